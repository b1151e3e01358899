package io.stencil.safetensors;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The header of one file, checked against the file's size.
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

    /// Reads the header alone; for a look at a file whose tensors are not needed.
    ///
    /// @throws InvalidFileException when the file is absent, unreadable or breaks a rule of the format
    public static SafetensorsHeader read(Path file) {
        return ReadableFile.with(file, channel -> read(file, channel));
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
}
