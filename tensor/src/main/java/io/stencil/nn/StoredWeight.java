package io.stencil.nn;

import io.stencil.safetensors.TensorSource;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.TensorFiles;
import org.bytedeco.pytorch.Tensor;

/// A weight that lies in a mapped file and can be read any number of times.
///
/// @param source stays its module's
/// @param name of the tensor in it
/// @param dtype of the weight when it is read
/// @param device where it is put then
record StoredWeight(TensorSource source, String name, DType dtype, Device device) {

    /// @return a view of the file when neither dtype nor device differs, else a copy; owned by the caller's scope
    Tensor read() {
        return device.place(TensorFiles.view(source, name), dtype);
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
