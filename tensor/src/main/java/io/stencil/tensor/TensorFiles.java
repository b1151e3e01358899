package io.stencil.tensor;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.gguf.BlockType;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.safetensors.SafetensorsWriter;
import io.stencil.safetensors.TensorEntry;
import io.stencil.safetensors.TensorSource;
import io.stencil.safetensors.TensorSpec;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/// Tensors from and to safetensors files.
public final class TensorFiles {

    static {
        Libtorch.load();
    }

    private TensorFiles() {}

    /// A tensor on the CPU over the mapped bytes of a file, without a copy.
    ///
    /// It must not be written, and not be used after `source` is closed. A tensor that lies unaligned in its
    /// file is copied.
    ///
    /// @throws InvalidFileException for a dtype that libtorch does not have
    public static Tensor view(TensorSource source, String name) {
        TensorEntry entry = source.entry(name);
        DType dtype = DType.of(entry.dtype())
                .orElseThrow(() -> new InvalidFileException(
                        new Location(source.origin(name), null, name),
                        "is of dtype %s, which libtorch cannot hold".formatted(entry.dtype())));
        if (entry.elementCount() == 0) {
            return empty(dtype, entry);
        }
        MemorySegment bytes = source.segment(name);
        if (bytes.address() % dtype.bytes() != 0) {
            return copy(bytes, dtype, entry);
        }
        return torch.from_blob(new Address(bytes), entry.dims(), Tensors.options(dtype, Device.CPU));
    }

    /// A tensor's mapped bytes, uint8 `[bytes]`, as [#view] has them; of a tensor in blocks of quantized values say.
    ///
    /// It must not be written, and not be used after `source` is closed.
    public static Tensor byteView(TensorSource source, String name) {
        MemorySegment bytes = source.segment(name);
        return bytes.byteSize() == 0
                ? Tensors.empty(DType.UINT8, Device.CPU, 0)
                : torch.from_blob(
                        new Address(bytes), new long[] {bytes.byteSize()}, Tensors.options(DType.UINT8, Device.CPU));
    }

    /// A tensor in blocks of quantized values, widened.
    ///
    /// @return float32 in the tensor's shape, a copy
    public static Tensor widened(TensorSource source, String name, BlockType type) {
        Tensor tensor =
                Tensors.empty(DType.FLOAT32, Device.CPU, source.entry(name).dims());
        if (tensor.numel() > 0) {
            type.widen(source.segment(name), bytes(tensor));
        }
        return tensor;
    }

    /// Whether `tensor` lies over the mapped bytes of `name`, as [#view] makes it where it can.
    public static boolean isView(Tensor tensor, TensorSource source, String name) {
        return tensor.numel() > 0
                && Device.of(tensor).equals(Device.CPU)
                && tensor.data_ptr().address() == source.segment(name).address();
    }

    /// Whether the values of `tensor` begin at a multiple of `bytes` in memory.
    public static boolean isAligned(Tensor tensor, int bytes) {
        return tensor.data_ptr().address() % bytes == 0;
    }

    /// All tensors of a file as copies on the CPU, owned by the caller's scope.
    public static Map<String, Tensor> read(Path file) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        try (SafetensorsFile source = SafetensorsFile.open(file)) {
            for (String name : source.entries().keySet()) {
                tensors.put(name, view(source, name).clone());
            }
        }
        return tensors;
    }

    /// Writes tensors under their names; each is brought to the CPU only while it is written.
    ///
    /// @throws IOException when the file cannot be written; the target is then as it was
    public static void write(Path target, Map<String, Tensor> tensors, Map<String, String> metadata)
            throws IOException {
        List<TensorSpec> specs = new ArrayList<>();
        tensors.forEach((name, tensor) -> specs.add(new TensorSpec(
                name,
                DType.of(tensor).fileDtype(),
                LongStream.of(Tensors.shape(tensor)).boxed().toList())));
        write(target, specs, name -> Objects.requireNonNull(tensors.get(name)), metadata);
    }

    /// Writes tensors that are made one after the other, each when it is its turn; they are freed when they are
    /// written.
    ///
    /// @param tensors returns a tensor by its name, of the dtype and shape in `specs`
    /// @throws IOException when the file cannot be written; the target is then as it was
    public static void write(
            Path target, List<TensorSpec> specs, Function<String, Tensor> tensors, Map<String, String> metadata)
            throws IOException {
        SafetensorsWriter.write(
                target,
                specs,
                (spec, sink) -> {
                    try (Scope _ = new Scope()) {
                        Tensor tensor = tensors.apply(spec.name());
                        Tensor plain = Device.CPU.place(tensor.detach()).contiguous();
                        if (plain.numel() > 0) {
                            sink.accept(bytes(plain));
                        }
                    }
                },
                metadata);
    }

    /// The memory of a contiguous tensor on the CPU, valid as long as the tensor is.
    public static MemorySegment bytes(Tensor plain) {
        return MemorySegment.ofAddress(plain.data_ptr().address()).reinterpret(plain.nbytes());
    }

    private static Tensor empty(DType dtype, TensorEntry entry) {
        return Tensors.empty(dtype, Device.CPU, entry.dims());
    }

    private static Tensor copy(MemorySegment bytes, DType dtype, TensorEntry entry) {
        Tensor tensor = empty(dtype, entry);
        bytes(tensor).copyFrom(bytes);
        return tensor;
    }

    /// A native address that JavaCPP does not own.
    private static final class Address extends Pointer {
        Address(MemorySegment bytes) {
            address = bytes.address();
            limit = bytes.byteSize();
            capacity = limit;
        }
    }
}
