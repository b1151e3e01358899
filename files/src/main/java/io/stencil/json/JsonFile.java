package io.stencil.json;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import java.nio.file.Path;

/// One JSON document in a file, read strictly: no repeated key, nothing behind its end.
public final class JsonFile {

    private JsonFile() {}

    /// The document in a piece of text; NaN and Infinity are read as the numbers that other tools mean by them, so that
    /// a check of the value refuses them.
    ///
    /// @param place of the text, for messages
    /// @throws InvalidFileException when it is not JSON
    public static JsonNode parse(Location place, String text) {
        try {
            return Json.MAPPER
                    .reader()
                    .with(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
                    .readTree(text);
        } catch (JsonProcessingException e) {
            throw new InvalidFileException(place, "is not JSON: " + JsonReason.of(e), e);
        }
    }

    /// The document of `file`.
    ///
    /// @throws InvalidFileException when the file is absent or is not JSON, with the line of the fault
    public static JsonNode read(Path file) {
        try {
            JsonNode document = Json.MAPPER.readTree(TextFile.read(file));
            if (document.isMissingNode()) {
                throw new InvalidFileException(file, "is empty; expected JSON");
            }
            return document;
        } catch (JsonProcessingException e) {
            throw new InvalidFileException(
                    Location.of(file, JsonReason.line(e)), "is not JSON: " + JsonReason.of(e), e);
        }
    }
}
