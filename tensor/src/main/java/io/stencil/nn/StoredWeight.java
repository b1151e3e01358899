package io.stencil.nn;

import io.stencil.safetensors.TensorSource;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.RestingWeight;
import io.stencil.tensor.TensorFiles;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;

/// A weight that lies in a mapped file and can be read any number of times.
///
/// @param source stays its module's
/// @param name of the tensor in it
/// @param dtype of the weight when it is read; in float8 it gets a scale for each row, unless the file has it in float8
/// @param device where it is put then
record StoredWeight(TensorSource source, String name, DType dtype, Device device) {

    /// @return a view of the file when neither dtype nor device differs, else a copy; owned by the caller's scope
    RestingWeight read() {
        Tensor view = TensorFiles.view(source, name);
        if (dtype == DType.FLOAT8_E4M3FN && DType.of(view) != dtype) {
            RestingWeight narrow = RestingWeight.float8(view);
            Tensor scale = Objects.requireNonNull(narrow.rowScale());
            return new RestingWeight(device.place(narrow.values()), device.place(scale));
        }
        Tensor placed = device.place(view, dtype);
        // A counter of eight bytes is no reason to keep a file mapped.
        return RestingWeight.of(dtype.isFloatingPoint() ? placed : placed.clone());
    }

    /// Some rows of a matrix; the others are neither read nor brought to the dtype.
    ///
    /// @param ids int64, any shape
    /// @return [..., columns], in the dtype and on the device that [#read] gives; owned by the caller's scope
    Tensor rows(Tensor ids) {
        return device.place(Ops.embedding(TensorFiles.view(source, name), Device.CPU.place(ids)), dtype);
    }

    /// Whether `weight`, which was read, lies in the file.
    boolean isViewed(Tensor weight) {
        return TensorFiles.isView(weight, source, name);
    }

    /// Takes the file's part out of this process's memory; it comes back when it is read.
    void dropPages() {
        source.dropPages(name);
    }
}
