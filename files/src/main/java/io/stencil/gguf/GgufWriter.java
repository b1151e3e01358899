package io.stencil.gguf;

import io.stencil.error.InvalidRequestException;
import io.stencil.files.AtomicFile;
import io.stencil.safetensors.StoredType;
import io.stencil.safetensors.TensorWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Writes GGUF files, version 3; a reader sees the old file or the whole new one.
public final class GgufWriter {

    private static final int VERSION = 3;
    private static final long MAX_UINT32 = 0xffffffffL;

    private GgufWriter() {}

    /// Describes a tensor to write.
    ///
    /// @param type a dtype or a [BlockType] that the format has
    /// @param shape dimensions, outermost first, at most four
    public record Tensor(String name, StoredType type, List<Long> shape) {

        public Tensor {
            shape = List.copyOf(shape);
        }
    }

    /// Supplies the bytes of tensors while they are written, one tensor at a time, so that not all need be in memory.
    @FunctionalInterface
    public interface Content {

        /// Hands all bytes of `tensor`, row major and little endian, to `sink` in one or more pieces. Called once for
        /// each tensor, in their order.
        void writeTo(Tensor tensor, TensorWriter.Sink sink) throws IOException;
    }

    /// Writes tensors in their order; their bytes are made while writing.
    ///
    /// Whole numbers of the metadata become uint32 where they fit, else int32, uint64 or int64; of an array all alike.
    ///
    /// @param values metadata in the order of the file
    /// @throws IOException when the file cannot be written or `content` throws it; the target is then as it was
    /// @throws InvalidRequestException when the format has no such type, two tensors have one name, or `content` gives
    ///     too many or too few bytes
    public static void write(Path target, List<Tensor> tensors, Content content, Map<String, GgufValue> values)
            throws IOException {
        ByteBuffer header = header(tensors, values);
        AtomicFile.write(target, channel -> {
            TensorWriter writer = new TensorWriter(channel);
            writer.write(header);
            for (Tensor tensor : tensors) {
                writer.pad(GgufHeader.DEFAULT_ALIGNMENT);
                writer.write(
                        tensor.name,
                        tensor.type + " " + tensor.shape,
                        tensor.type.byteSize(tensor.shape),
                        sink -> content.writeTo(tensor, sink));
            }
            writer.pad(GgufHeader.DEFAULT_ALIGNMENT);
        });
    }

    private static ByteBuffer header(List<Tensor> tensors, Map<String, GgufValue> values) {
        Output header = new Output();
        header.u32(GgufHeader.MAGIC).u32(VERSION).u64(tensors.size()).u64(values.size());
        values.forEach((key, value) -> {
            header.text(key).u32(type(List.of(value)));
            header.value(value, type(List.of(value)));
        });
        Set<String> names = new HashSet<>();
        long offset = 0;
        for (Tensor tensor : tensors) {
            if (!names.add(tensor.name)) {
                throw new InvalidRequestException("tensors", "two tensors are named '" + tensor.name + "'");
            }
            header.text(tensor.name).u32(tensor.shape.size());
            tensor.shape.reversed().forEach(header::u64);
            header.u32((int) BlockType.number(tensor.type)).u64(offset);
            long end = offset + tensor.type.byteSize(tensor.shape);
            offset = Math.ceilDiv(end, GgufHeader.DEFAULT_ALIGNMENT) * GgufHeader.DEFAULT_ALIGNMENT;
        }
        return ByteBuffer.wrap(header.bytes.toByteArray());
    }

    /// Number of the type that holds all of these values, which are of one kind.
    private static int type(List<GgufValue> values) {
        if (values.isEmpty()) {
            return 4;
        }
        return switch (values.getFirst()) {
            case GgufValue.Flag _ -> 7;
            case GgufValue.Text _ -> 8;
            case GgufValue.Sequence _ -> 9;
            case GgufValue.Numeric(Float _) -> 6;
            case GgufValue.Numeric(Double _) -> 12;
            case GgufValue.Numeric _ -> wholeType(values);
        };
    }

    private static int wholeType(List<GgufValue> values) {
        BigInteger min = BigInteger.ZERO;
        BigInteger max = BigInteger.ZERO;
        for (GgufValue value : values) {
            BigInteger number = new BigInteger(value.text());
            min = min.min(number);
            max = max.max(number);
        }
        if (min.signum() == 0) {
            return max.compareTo(BigInteger.valueOf(MAX_UINT32)) <= 0 ? 4 : 10;
        }
        boolean small = min.bitLength() < Integer.SIZE && max.bitLength() < Integer.SIZE;
        return small ? 5 : 11;
    }

    /// Bytes of a header, little endian.
    private static final class Output {

        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Output u8(int number) {
            bytes.write(number);
            return this;
        }

        Output u32(int number) {
            bytes.writeBytes(buffer(Integer.BYTES).putInt(number).array());
            return this;
        }

        Output u64(long number) {
            bytes.writeBytes(buffer(Long.BYTES).putLong(number).array());
            return this;
        }

        Output text(String text) {
            byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
            u64(encoded.length);
            bytes.writeBytes(encoded);
            return this;
        }

        /// @param type number of the type, of a sequence's elements too
        void value(GgufValue value, int type) {
            switch (value) {
                case GgufValue.Text(String text) -> text(text);
                case GgufValue.Flag(boolean flag) -> u8(flag ? 1 : 0);
                case GgufValue.Numeric(Float number) -> u32(Float.floatToRawIntBits(number));
                case GgufValue.Numeric(Double number) -> u64(Double.doubleToRawLongBits(number));
                case GgufValue.Numeric(Number number) when type == 4 || type == 5 -> u32(number.intValue());
                case GgufValue.Numeric(Number number) -> u64(number.longValue());
                case GgufValue.Sequence(var values) -> {
                    int inner = type(values);
                    u32(inner).u64(values.size());
                    values.forEach(element -> value(element, inner));
                }
            }
        }

        private static ByteBuffer buffer(int size) {
            return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        }
    }
}
