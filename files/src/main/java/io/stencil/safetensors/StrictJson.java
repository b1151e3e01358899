package io.stencil.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.stencil.error.InvalidFileException;
import io.stencil.error.IoReason;
import io.stencil.error.Location;
import io.stencil.json.JsonReason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Reads JSON of one object token by token, strictly: valid UTF-8, no key twice, nothing behind the object.
final class StrictJson {

    /// Reads the object's content; the parser stands on its `{`, and must be left on its `}`.
    @FunctionalInterface
    interface ObjectReader<T> {
        T read(JsonParser json) throws IOException;
    }

    /// Longest JSON text, and so the longest string in one. The reference library's limit of a header.
    static final int MAX_BYTES = 100_000_000;

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(MAX_BYTES)
                    .maxNameLength(MAX_BYTES)
                    .build())
            .build();

    private StrictJson() {}

    /// @param what names the text in messages, such as "header"
    /// @throws InvalidFileException when the text is not one well-formed JSON object, or `reader` refuses it
    static <T> T read(Path file, String what, String text, ObjectReader<T> reader) {
        try (JsonParser json = FACTORY.createParser(text)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw new InvalidFileException(file, what + " must be a JSON object");
            }
            T content = reader.read(json);
            if (json.nextToken() != null) {
                throw new InvalidFileException(file, what + " has more text behind its JSON object");
            }
            return content;
        } catch (JsonProcessingException fault) {
            long at = fault.getLocation() == null ? 0 : fault.getLocation().getCharOffset();
            String message = "%s is not valid JSON at character %s: %s".formatted(what, at, JsonReason.of(fault));
            throw new InvalidFileException(Location.of(file), message, fault);
        } catch (IOException fault) {
            throw new InvalidFileException(Location.of(file), what + " cannot be read: " + IoReason.of(fault), fault);
        }
    }

    /// Renders the current token for a message: `"text"`, `12`, `an object`.
    static String found(JsonParser json) throws IOException {
        JsonToken token = json.currentToken();
        return switch (token) {
            case START_OBJECT -> "an object";
            case START_ARRAY -> "an array";
            case VALUE_STRING -> '"' + shortened(json.getText()) + '"';
            case null, default -> shortened(String.valueOf(json.getText()));
        };
    }

    /// Checks whether `text` is Unicode: JSON can escape half of a surrogate pair, which no UTF-8 can hold.
    static boolean isUnicode(String text) {
        return StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    private static String shortened(String text) {
        int most = 60;
        return text.length() <= most ? text : text.substring(0, most) + "...";
    }

    static String decode(Path file, String what, byte[] utf8) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(utf8))
                    .toString();
        } catch (CharacterCodingException fault) {
            throw new InvalidFileException(Location.of(file), what + " is not valid UTF-8", fault);
        }
    }
}
