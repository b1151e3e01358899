package io.stencil.gguf;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.safetensors.StoredType;
import io.stencil.safetensors.TensorEntry;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// Reads and checks the header of a GGUF file.
///
/// What holds of every header: each tensor's type and shape take whole blocks, its bytes lie aligned and inside the
/// file, no two tensors overlap, and no name or key occurs twice.
///
/// @param entries tensors by name, in the order of their bytes; unmodifiable
/// @param values metadata in the file's order; unmodifiable
record GgufHeader(Map<String, TensorEntry> entries, Map<String, GgufValue> values) {

    /// Longest header: that of a text encoder of a quarter of a million tokens has a tenth of it.
    private static final long MAX_BYTES = 100_000_000;

    private static final long MAX_TENSORS = 100_000;
    private static final long MAX_KEYS = 100_000;

    /// Elements of all arrays of the metadata.
    private static final long MAX_ELEMENTS = 4_000_000;

    private static final long MAX_NAME_BYTES = 65_535;
    private static final int MAX_DIMENSIONS = 4;

    /// Dimensions of a shape that was changed: those of a kernel of three dimensions.
    private static final int MAX_ORIGINAL_DIMENSIONS = 5;

    private static final int MAX_NESTING = 4;
    private static final long MAX_ALIGNMENT = 1L << 30;
    static final long DEFAULT_ALIGNMENT = 32;
    static final int MAGIC = 0x46554747; // "GGUF"
    private static final String ALIGNMENT = "general.alignment";

    /// Prefix of keys that hold the shape of a tensor whose shape was changed to fill whole blocks; ComfyUI-GGUF's.
    private static final String ORIGINAL_SHAPE = "comfy.gguf.orig_shape.";

    GgufHeader {
        entries = Collections.unmodifiableMap(entries);
        values = Collections.unmodifiableMap(values);
    }

    /// @param file for messages
    /// @param bytes the whole file
    /// @throws InvalidFileException when it breaks a rule of the format
    static GgufHeader read(Path file, MemorySegment bytes) {
        return new Reader(file, bytes).read();
    }

    /// Reads the header from the first byte on; nothing behind the end of the file is read.
    private static final class Reader {

        private static final ValueLayout.OfShort SHORT =
                ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
        private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
        private static final ValueLayout.OfLong LONG =
                ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

        private final Path file;
        private final MemorySegment bytes;
        private final Map<String, GgufValue> values = new LinkedHashMap<>();
        private long position;
        private long elements;

        Reader(Path file, MemorySegment bytes) {
            this.file = file;
            this.bytes = bytes;
        }

        GgufHeader read() {
            readMagic();
            readVersion();
            long tensors = count("tensors", MAX_TENSORS);
            long keys = count("metadata keys", MAX_KEYS);
            for (long i = 0; i < keys; i++) {
                String key = name("metadata key");
                if (values.put(key, value(key, unsigned("type of '" + key + "'"), 0)) != null) {
                    throw fault(key, "this metadata key occurs twice");
                }
            }
            List<Tensor> records = new ArrayList<>();
            for (long i = 0; i < tensors; i++) {
                records.add(tensor());
            }
            return new GgufHeader(entries(records, alignment()), values);
        }

        private void readMagic() {
            if (bytes.byteSize() < Integer.BYTES || bytes.get(INT, 0) != MAGIC) {
                throw new InvalidFileException(
                        file, "expected a GGUF file, which begins with the letters GGUF; it is cut short or not GGUF");
            }
            position = Integer.BYTES;
        }

        private void readVersion() {
            long version = unsigned("version");
            if (version != 2 && version != 3) {
                boolean reversed = version == Integer.reverseBytes(2) || version == Integer.reverseBytes(3);
                throw new InvalidFileException(
                        file,
                        reversed
                                ? "is a big-endian GGUF file; expected little-endian"
                                : "GGUF version must be 2 or 3, found %s; convert the model again with a current llama.cpp"
                                        .formatted(version));
            }
        }

        private long alignment() {
            GgufValue value = values.get(ALIGNMENT);
            if (value == null) {
                return DEFAULT_ALIGNMENT;
            }
            if (value instanceof GgufValue.Numeric(Long number)
                    && number >= 1
                    && number <= MAX_ALIGNMENT
                    && Long.bitCount(number) == 1) {
                return number;
            }
            throw fault(
                    ALIGNMENT, "must be a power of two from 1 to %s, found %s".formatted(MAX_ALIGNMENT, shown(value)));
        }

        /// Record of a tensor, whose offset counts from the end of the header.
        private record Tensor(String name, StoredType type, List<Long> shape, long offset) {}

        private Tensor tensor() {
            String name = name("tensor name");
            long dimensions = unsigned("number of dimensions of '" + name + "'");
            if (dimensions > MAX_DIMENSIONS) {
                throw fault(name, "has %s dimensions, expected at most %s".formatted(dimensions, MAX_DIMENSIONS));
            }
            List<Long> shape = new ArrayList<>();
            for (long i = 0; i < dimensions; i++) {
                long size = signed("dimensions of '" + name + "'");
                if (size < 0) {
                    throw fault(
                            name, "dimension %s is %s, larger than any file".formatted(i, Long.toUnsignedString(size)));
                }
                shape.addFirst(size);
            }
            long id = unsigned("type of '" + name + "'");
            StoredType type = BlockType.stored(id).orElseThrow(() -> fault(name, BlockType.unsupported(id)));
            return new Tensor(name, type, shape, signed("offset of '" + name + "'"));
        }

        private Map<String, TensorEntry> entries(List<Tensor> tensors, long alignment) {
            long data = (position + alignment - 1) & -alignment;
            List<TensorEntry> placed = new ArrayList<>();
            for (Tensor tensor : tensors) {
                placed.add(placed(tensor, data, alignment));
            }
            placed.sort(Comparator.comparingLong(TensorEntry::begin).thenComparingLong(TensorEntry::end));
            Map<String, TensorEntry> entries = new LinkedHashMap<>();
            long end = Math.min(data, bytes.byteSize());
            for (TensorEntry entry : placed) {
                if (entry.begin() < end) {
                    throw fault(
                            entry.name(),
                            "its bytes, from byte %s on, overlap another tensor's, which end at byte %s"
                                    .formatted(entry.begin(), end));
                }
                end = entry.end();
                if (entries.put(entry.name(), entry) != null) {
                    throw fault(entry.name(), "this tensor is in the file twice");
                }
            }
            return entries;
        }

        private TensorEntry placed(Tensor tensor, long data, long alignment) {
            long size;
            try {
                size = tensor.type.byteSize(tensor.shape);
            } catch (InvalidRequestException fault) {
                throw new InvalidFileException(Location.of(file).field(tensor.name), "shape " + fault.what(), fault);
            }
            long room = bytes.byteSize() - data;
            if (Long.remainderUnsigned(tensor.offset, alignment) != 0) {
                throw fault(
                        tensor.name,
                        "offset %s is no multiple of the alignment %s"
                                .formatted(Long.toUnsignedString(tensor.offset), alignment));
            }
            if (size == 0) {
                long place = Math.min(data, bytes.byteSize()); // padding behind the last record may be left out
                return new TensorEntry(tensor.name, tensor.type, shape(tensor), place, place);
            }
            if (tensor.offset < 0 || size > room || tensor.offset > room - size) {
                throw fault(
                        tensor.name,
                        "%s bytes at offset %s reach beyond the file, which has %s bytes of tensors; it is cut short"
                                .formatted(size, Long.toUnsignedString(tensor.offset), Math.max(0, room)));
            }
            long begin = data + tensor.offset;
            return new TensorEntry(tensor.name, tensor.type, shape(tensor), begin, begin + size);
        }

        /// Returns the shape, or the one that it had before the file was written.
        private List<Long> shape(Tensor tensor) {
            String key = ORIGINAL_SHAPE + tensor.name;
            GgufValue value = values.get(key);
            if (value == null) {
                return tensor.shape;
            }
            List<Long> original = new ArrayList<>();
            if (value instanceof GgufValue.Sequence(var sizes) && sizes.size() <= MAX_ORIGINAL_DIMENSIONS) {
                for (GgufValue size : sizes) {
                    if (size instanceof GgufValue.Numeric(Long number) && number >= 0) {
                        original.add(number);
                    }
                }
                if (original.size() == sizes.size() && product(original).equals(product(tensor.shape))) {
                    return original;
                }
            }
            throw fault(
                    key,
                    "must be an array of dimensions with the elements of shape %s, found %s"
                            .formatted(tensor.shape, shown(value)));
        }

        private static BigInteger product(List<Long> shape) {
            return shape.stream().map(BigInteger::valueOf).reduce(BigInteger.ONE, BigInteger::multiply);
        }

        private GgufValue value(String key, long type, int nesting) {
            Supplier<String> what = () -> "value of '" + key + "'";
            return switch ((int) type) {
                case 0 -> whole(Byte.toUnsignedLong(bytes.get(ValueLayout.JAVA_BYTE, advance(1, what))));
                case 1 -> whole(bytes.get(ValueLayout.JAVA_BYTE, advance(1, what)));
                case 2 -> whole(Short.toUnsignedLong(bytes.get(SHORT, advance(2, what))));
                case 3 -> whole(bytes.get(SHORT, advance(2, what)));
                case 4 -> whole(Integer.toUnsignedLong(bytes.get(INT, advance(4, what))));
                case 5 -> whole(bytes.get(INT, advance(4, what)));
                case 6 -> new GgufValue.Numeric(Float.intBitsToFloat(bytes.get(INT, advance(4, what))));
                case 7 -> flag(key, bytes.get(ValueLayout.JAVA_BYTE, advance(1, what)));
                case 8 -> new GgufValue.Text(text(MAX_BYTES, what));
                case 9 -> sequence(key, nesting);
                case 10 -> {
                    long number = bytes.get(LONG, advance(8, what));
                    yield number >= 0
                            ? whole(number)
                            : new GgufValue.Numeric(new BigInteger(Long.toUnsignedString(number)));
                }
                case 11 -> whole(bytes.get(LONG, advance(8, what)));
                case 12 -> new GgufValue.Numeric(Double.longBitsToDouble(bytes.get(LONG, advance(8, what))));
                default -> throw fault(key, "the type of a metadata value must be 0 to 12, found " + type);
            };
        }

        private static GgufValue whole(long number) {
            return new GgufValue.Numeric(number);
        }

        private GgufValue flag(String key, byte value) {
            if (value != 0 && value != 1) {
                throw fault(key, "a flag must be 0 or 1, found " + Byte.toUnsignedInt(value));
            }
            return new GgufValue.Flag(value == 1);
        }

        private GgufValue sequence(String key, int nesting) {
            if (nesting == MAX_NESTING) {
                throw fault(key, "has arrays within arrays, more than %s deep".formatted(MAX_NESTING));
            }
            long type = unsigned("element type of '" + key + "'");
            long count = signed("length of '" + key + "'");
            if (count < 0 || count > MAX_ELEMENTS - elements) {
                throw fault(
                        key,
                        "an array has %s elements; all of a file together must have at most %s"
                                .formatted(Long.toUnsignedString(count), MAX_ELEMENTS));
            }
            elements += count;
            List<GgufValue> sequence = new ArrayList<>();
            for (long i = 0; i < count; i++) {
                sequence.add(value(key, type, nesting + 1));
            }
            return new GgufValue.Sequence(sequence);
        }

        private long count(String what, long most) {
            long count = signed("number of " + what);
            if (count < 0 || count > most) {
                throw new InvalidFileException(
                        file,
                        "the number of %s must be at most %s, found %s"
                                .formatted(what, most, Long.toUnsignedString(count)));
            }
            return count;
        }

        private long unsigned(String what) {
            return Integer.toUnsignedLong(bytes.get(INT, advance(Integer.BYTES, () -> what)));
        }

        private long signed(String what) {
            return bytes.get(LONG, advance(Long.BYTES, () -> what));
        }

        private String name(String what) {
            return text(MAX_NAME_BYTES, () -> what);
        }

        private String text(long most, Supplier<String> what) {
            long length = bytes.get(LONG, advance(Long.BYTES, what));
            if (length < 0 || length > most) {
                throw new InvalidFileException(
                        file,
                        "%s: a string must have at most %s bytes, found %s"
                                .formatted(what.get(), most, Long.toUnsignedString(length)));
            }
            long begin = advance(length, what);
            try {
                return StandardCharsets.UTF_8
                        .newDecoder()
                        .decode(bytes.asSlice(begin, length).asByteBuffer())
                        .toString();
            } catch (CharacterCodingException fault) {
                throw new InvalidFileException(Location.of(file), what.get() + " is not valid UTF-8", fault);
            }
        }

        /// Steps over bytes that must be there.
        ///
        /// @return where they begin
        private long advance(long count, Supplier<String> what) {
            long begin = position;
            if (count > Math.min(bytes.byteSize(), MAX_BYTES) - begin) {
                throw new InvalidFileException(
                        file,
                        bytes.byteSize() < MAX_BYTES
                                ? "ends within the header, at the %s; it is cut short".formatted(what.get())
                                : "the header must have at most %s bytes".formatted(MAX_BYTES));
            }
            position += count;
            return begin;
        }

        private static String shown(GgufValue value) {
            String text = value.text();
            int most = 60;
            return text.length() <= most ? text : text.substring(0, most) + "...";
        }

        private InvalidFileException fault(String field, String what) {
            return new InvalidFileException(Location.of(file).field(field), what);
        }
    }
}
