package io.stencil.safetensors;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.files.FileMapping;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Reads and checks the header of a file.
///
/// What holds of every header: each tensor's shape and dtype take exactly its byte range, the ranges lie one behind the
/// other and fill the file to its last byte, and no name occurs twice.
///
/// @param entries tensors by name, in the order of their bytes; unmodifiable
/// @param metadata strings of `__metadata__` in the file's order; unmodifiable
public record SafetensorsHeader(Map<String, TensorEntry> entries, Map<String, String> metadata) {

    static final String METADATA_KEY = "__metadata__";

    public SafetensorsHeader {
        entries = Collections.unmodifiableMap(new LinkedHashMap<>(entries));
        metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    }

    /// Reads the header alone, without mapping the tensors.
    ///
    /// @throws InvalidFileException when the file is absent, unreadable or breaks a rule of the format
    public static SafetensorsHeader read(Path file) {
        return FileMapping.read(file, channel -> read(file, channel));
    }

    static SafetensorsHeader read(Path file, FileChannel channel) throws IOException {
        HeaderBytes header = HeaderBytes.read(file, channel);
        Map<String, String> metadata = new LinkedHashMap<>();
        List<TensorEntry> tensors = StrictJson.read(file, "header", header.json(), json -> {
            List<TensorEntry> found = new ArrayList<>();
            for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
                json.nextToken();
                requireUnicode(file, name);
                if (name.equals(METADATA_KEY)) {
                    readMetadata(json, file, metadata);
                } else {
                    found.add(TensorParser.parse(json, file, name, header));
                }
            }
            return found;
        });
        tensors.sort(Comparator.comparingLong(TensorEntry::begin).thenComparingLong(TensorEntry::end));
        requireWholeCover(file, tensors, header);
        Map<String, TensorEntry> entries = new LinkedHashMap<>();
        tensors.forEach(tensor -> entries.put(tensor.name(), tensor));
        return new SafetensorsHeader(entries, metadata);
    }

    private static void readMetadata(JsonParser json, Path file, Map<String, String> metadata) throws IOException {
        Location location = Location.of(file).field(METADATA_KEY);
        if (json.currentToken() == JsonToken.VALUE_NULL) {
            return; // as none, which the reference library takes it for
        }
        if (json.currentToken() != JsonToken.START_OBJECT) {
            throw new InvalidFileException(location, "must be an object of strings, found " + StrictJson.found(json));
        }
        for (String key = json.nextFieldName(); key != null; key = json.nextFieldName()) {
            requireUnicode(file, key);
            if (json.nextToken() != JsonToken.VALUE_STRING) {
                throw new InvalidFileException(
                        location,
                        "the value of \"%s\" must be a string, found %s".formatted(key, StrictJson.found(json)));
            }
            requireUnicode(file, json.getText());
            metadata.put(key, json.getText());
        }
    }

    private static void requireUnicode(Path file, String text) {
        if (!StrictJson.isUnicode(text)) {
            throw new InvalidFileException(file, "header holds half of a surrogate pair, which is not Unicode");
        }
    }

    /// Refuses gaps, overlaps and bytes that belong to no tensor.
    private static void requireWholeCover(Path file, List<TensorEntry> tensors, HeaderBytes header) {
        long next = header.dataStart();
        String before = "the header";
        for (TensorEntry tensor : tensors) {
            if (tensor.begin() != next) {
                String relation = tensor.begin() < next ? "overlap" : "leave a gap behind";
                throw new InvalidFileException(
                        Location.of(file).field(tensor.name()),
                        "its bytes %s %s: they must begin at byte %s of the file, found %s"
                                .formatted(relation, before, next, tensor.begin()));
            }
            next = tensor.end();
            before = "tensor '" + tensor.name() + "'";
        }
        long fileSize = header.dataStart() + header.dataSize();
        if (next != fileSize) {
            throw new InvalidFileException(
                    file, "the tensors end at byte %s, but the file has %s bytes".formatted(next, fileSize));
        }
    }

    /// Reads the header's text, and where the tensors' bytes lie behind it.
    ///
    /// @param json the header's text, padding included
    /// @param dataStart offset in the file behind the header
    /// @param dataSize bytes from there to the end of the file
    private record HeaderBytes(String json, long dataStart, long dataSize) {

        static final int LENGTH_BYTES = Long.BYTES;

        private static final String POINTER_START = "version ";

        /// Reads the length and the header.
        ///
        /// @throws InvalidFileException when the file cannot hold the header that its first bytes announce
        static HeaderBytes read(Path file, FileChannel channel) throws IOException {
            long fileSize = channel.size();
            if (fileSize < LENGTH_BYTES) {
                throw new InvalidFileException(
                        file,
                        "a safetensors file has at least %s bytes, found %s; the file is cut short or not safetensors"
                                .formatted(LENGTH_BYTES, fileSize));
            }
            byte[] prefix = readFully(file, channel, 0, LENGTH_BYTES);
            long length = ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getLong();
            if (new String(prefix, StandardCharsets.ISO_8859_1).equals(POINTER_START)) {
                throw new InvalidFileException(
                        file,
                        "expected a safetensors file, found a Git LFS pointer; fetch the real file (git lfs pull)");
            }
            if (Long.compareUnsigned(length, StrictJson.MAX_BYTES) > 0) {
                throw new InvalidFileException(
                        file,
                        "header length must be at most %s, found %s; this is not a safetensors file"
                                .formatted(StrictJson.MAX_BYTES, Long.toUnsignedString(length)));
            }
            if (length > fileSize - LENGTH_BYTES) {
                throw new InvalidFileException(
                        file,
                        "the header ends at byte %s, but the file has %s; it is cut short or not safetensors"
                                .formatted(LENGTH_BYTES + length, fileSize));
            }
            byte[] json = readFully(file, channel, LENGTH_BYTES, (int) length);
            if (json.length == 0 || json[0] != '{') {
                throw new InvalidFileException(file, "the header must begin with '{'; this is not a safetensors file");
            }
            long dataStart = LENGTH_BYTES + length;
            return new HeaderBytes(StrictJson.decode(file, "header", json), dataStart, fileSize - dataStart);
        }

        private static byte[] readFully(Path file, FileChannel channel, long position, int count) throws IOException {
            ByteBuffer bytes = ByteBuffer.allocate(count);
            while (bytes.hasRemaining()) {
                if (channel.read(bytes, position + bytes.position()) < 0) {
                    throw new InvalidFileException(file, "the file became shorter while it was read");
                }
            }
            return bytes.array();
        }
    }

    /// Reads one tensor of the header: `{"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}`.
    ///
    /// Keys that the format does not know are skipped, as the reference library does.
    private static final class TensorParser {

        private final Path file;
        private final String name;
        private @Nullable SafetensorsDtype dtype;
        private @Nullable List<Long> shape;
        private @Nullable List<Long> offsets;

        private TensorParser(Path file, String name) {
            this.file = file;
            this.name = name;
        }

        /// Reads the value that the parser stands on and leaves the parser on its end.
        ///
        /// @return the entry, its dtype, shape and offsets agreeing and its bytes inside the file
        static TensorEntry parse(JsonParser json, Path file, String name, HeaderBytes header) throws IOException {
            TensorParser parser = new TensorParser(file, name);
            parser.readFields(json);
            return parser.entry(header);
        }

        private void readFields(JsonParser json) throws IOException {
            if (json.currentToken() != JsonToken.START_OBJECT) {
                throw fault("must be an object with dtype, shape and data_offsets, found " + StrictJson.found(json));
            }
            for (String key = json.nextFieldName(); key != null; key = json.nextFieldName()) {
                json.nextToken();
                switch (key) {
                    case "dtype" -> dtype = readDtype(json);
                    case "shape" -> shape = readIntegers(json, key);
                    case "data_offsets" -> offsets = readIntegers(json, key);
                    default -> json.skipChildren();
                }
            }
        }

        private SafetensorsDtype readDtype(JsonParser json) throws IOException {
            String found = StrictJson.found(json);
            if (json.currentToken() != JsonToken.VALUE_STRING) {
                throw fault("dtype must be a string, found " + found);
            }
            return SafetensorsDtype.of(json.getText())
                    .orElseThrow(() -> fault(
                            "dtype must be one of " + Arrays.toString(SafetensorsDtype.values()) + ", found " + found));
        }

        private List<Long> readIntegers(JsonParser json, String key) throws IOException {
            if (json.currentToken() != JsonToken.START_ARRAY) {
                throw fault(key + " must be an array of integers, found " + StrictJson.found(json));
            }
            List<Long> numbers = new ArrayList<>();
            while (json.nextToken() != JsonToken.END_ARRAY) {
                String found = StrictJson.found(json);
                if (json.currentToken() != JsonToken.VALUE_NUMBER_INT
                        || found.startsWith("-")
                        || json.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
                    throw fault("%s must hold integers from 0 to 2^63 - 1, found %s".formatted(key, found));
                }
                numbers.add(json.getLongValue());
            }
            return numbers;
        }

        private TensorEntry entry(HeaderBytes header) {
            SafetensorsDtype type = present(dtype, "dtype");
            List<Long> dimensions = present(shape, "shape");
            List<Long> range = present(offsets, "data_offsets");
            if (range.size() != 2) {
                throw fault("data_offsets must hold a begin and an end, found " + range);
            }
            long begin = range.getFirst();
            long end = range.getLast();
            if (begin > end) {
                throw fault("data_offsets must not end before they begin, found " + range);
            }
            if (end > header.dataSize()) {
                throw fault("data_offsets %s reach beyond the file, which has %s bytes of tensors; it is cut short"
                        .formatted(range, header.dataSize()));
            }
            if (byteSize(type, dimensions) != end - begin) {
                throw fault("shape %s of %s takes %s bytes, but data_offsets %s span %s"
                        .formatted(dimensions, type, byteSize(type, dimensions), range, end - begin));
            }
            return new TensorEntry(name, type, dimensions, header.dataStart() + begin, header.dataStart() + end);
        }

        private long byteSize(SafetensorsDtype type, List<Long> dimensions) {
            try {
                return type.byteSize(dimensions);
            } catch (InvalidRequestException fault) {
                throw new InvalidFileException(Location.of(file).field(name), "shape " + fault.what(), fault);
            }
        }

        private <T> T present(@Nullable T value, String key) {
            if (value == null) {
                throw fault("has no " + key);
            }
            return value;
        }

        private InvalidFileException fault(String what) {
            return new InvalidFileException(Location.of(file).field(name), what);
        }
    }
}
