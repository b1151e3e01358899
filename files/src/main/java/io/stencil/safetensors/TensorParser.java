package io.stencil.safetensors;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Reads one tensor of the header: `{"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}`.
///
/// Keys that the format does not know are skipped, as the reference library does.
final class TensorParser {

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
