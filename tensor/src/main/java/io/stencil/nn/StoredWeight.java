package io.stencil.nn;

import io.stencil.error.InvalidStateException;
import io.stencil.gguf.BlockType;
import io.stencil.safetensors.TensorEntry;
import io.stencil.safetensors.TensorSource;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.WeightValues;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;

/// A weight in a mapped file, which can be read any number of times.
///
/// @param name of the tensor in the file
/// @param plain dtype of the weight when it is read and not quantized; in float8 it gets a scale for each row,
///     unless the file has it in float8
/// @param device where it is put then
/// @param staysQuantized whether a matrix that the file has in blocks, or in float8 with a scale, stays so
record StoredWeight(WeightFile file, String name, DType plain, Device device, boolean staysQuantized) {

    /// Bytes of a cache line, and of libtorch's own memory.
    private static final int ALIGNMENT = 64;

    long[] shape() {
        return source().entry(name).dims();
    }

    /// The dtype when it is read.
    DType dtype() {
        TensorEntry entry = source().entry(name);
        if (!restsQuantized()) {
            return plain;
        }
        return DType.of(entry.dtype()).orElse(DType.FLOAT32);
    }

    Optional<String> quantization() {
        return restsQuantized() && source().entry(name).dtype() instanceof BlockType type
                ? Optional.of(type.formatName())
                : Optional.of("float8").filter(_ -> dtype().isFloat8());
    }

    private boolean restsQuantized() {
        return staysQuantized
                && (isMatrixOfBlocks() || Float8Scale.of(source(), name).isPresent());
    }

    /// Whether rows are whole blocks; of tensors that were reshaped to fill blocks they need not be.
    private boolean isMatrixOfBlocks() {
        TensorEntry entry = source().entry(name);
        return entry.dtype() instanceof BlockType type
                && entry.shape().size() == 2
                && entry.shape().getLast() % type.elements() == 0;
    }

    private TensorSource source() {
        return file.source;
    }

    /// @return a view of the file when neither dtype nor device differs, else a copy, which leaves no pages of the
    ///     file behind: no more than one weight lies in memory twice. The caller closes it
    WeightStorage.Resident read() {
        try (Scope _ = new Scope()) {
            WeightValues values = values();
            if (TensorFiles.isView(values.tensors().getFirst(), source(), name)) {
                return new WeightStorage.MappedFile(new WeightStorage.Owned(values), file);
            }
            dropPages();
            return new WeightStorage.InMemory(new WeightStorage.Owned(values));
        }
    }

    /// As [#read], but that a plain view that begins between multiples of [#ALIGNMENT] bytes is copied.
    WeightStorage.Resident readAligned() {
        WeightStorage.Resident found = read();
        if (!(found instanceof WeightStorage.MappedFile)
                || !(found.values() instanceof WeightValues.Plain(Tensor view))
                || TensorFiles.isAligned(view, ALIGNMENT)) {
            return found;
        }
        try (Scope _ = new Scope()) {
            return WeightStorage.InMemory.of(view.clone());
        } finally {
            found.close();
            dropPages();
        }
    }

    private WeightValues values() {
        WeightValues stored = stored();
        if (restsQuantized()) {
            return stored.on(device);
        }
        if (!(stored instanceof WeightValues.Plain(Tensor view))) {
            return new WeightValues.Plain(device.place(stored.in(plain)));
        }
        if (plain == DType.FLOAT8_E4M3FN && DType.of(view) != plain) {
            return WeightValues.Float8.of(view).on(device);
        }
        Tensor placed = device.place(stored.in(plain));
        // A counter of eight bytes is no reason to keep a file mapped.
        return new WeightValues.Plain(plain.isFloatingPoint() ? placed : placed.clone());
    }

    /// The values as they lie in the file, on the CPU; views of it, but for blocks that do not fill rows.
    WeightValues stored() {
        TensorEntry entry = source().entry(name);
        if (entry.dtype() instanceof BlockType type) {
            return isMatrixOfBlocks()
                    ? new WeightValues.Blocks(
                            TensorFiles.byteView(source(), name),
                            type,
                            entry.shape().getFirst(),
                            entry.shape().getLast(),
                            Device.CPU)
                    : new WeightValues.Plain(TensorFiles.widened(source(), name, type));
        }
        Tensor view = TensorFiles.view(source(), name);
        return Float8Scale.of(source(), name)
                .<WeightValues>map(scale -> new WeightValues.Float8(view, scale.read(source())))
                .orElseGet(() -> new WeightValues.Plain(view));
    }

    /// Reads some rows of a matrix; the others are neither read nor brought to the dtype.
    Tensor rows(Tensor ids) {
        return device.place(stored().rows(Device.CPU.place(ids)), plain);
    }

    /// Takes the weight's part of the file out of this process's memory; it comes back when it is read.
    void dropPages() {
        source().dropPages(name);
    }

    /// A file of weights, which stays mapped until its module and all [leases][#lease] are closed.
    static final class WeightFile implements AutoCloseable {
        private final TensorSource source;
        private int users = 1;

        WeightFile(TensorSource source) {
            this.source = source;
        }

        /// Whether the file holds a tensor of this name.
        boolean has(String name) {
            return source.entries().containsKey(name);
        }

        /// Keeps the file mapped until the innermost scope of this thread is closed, where one is open.
        ///
        /// @throws InvalidStateException when it is not mapped any more
        synchronized void lease() {
            if (users == 0) {
                throw new InvalidStateException("the file of the weights was closed; load the model again");
            }
            if (Scope.onClose(this::close)) {
                users++;
            }
        }

        /// Ends the use by the module, or by a lease.
        @Override
        public synchronized void close() {
            if (users > 0 && --users == 0) {
                source.close();
            }
        }
    }
}
