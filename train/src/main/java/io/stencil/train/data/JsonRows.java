package io.stencil.train.data;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.json.Json;
import io.stencil.json.JsonReason;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/// Rows of a `.json` file, an array of objects, and of a `.jsonl` file, an object a line.
final class JsonRows {

    /// How the parser calls single quotes and the constants of Python.
    private static final Pattern PYTHON = Pattern.compile("\\(code 39\\)|token '(None|True|False)'");

    private JsonRows() {}

    static List<MetadataRow> ofArray(Path file, String text) {
        List<MetadataRow> rows = new ArrayList<>();
        try (JsonParser parser = Json.MAPPER.createParser(text)) {
            if (parser.nextToken() != JsonToken.START_ARRAY) {
                throw new InvalidFileException(
                        Location.of(file), "must be a JSON array of rows; an object a line belongs in a .jsonl file");
            }
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                Location location =
                        Location.of(file, parser.currentTokenLocation().getLineNr());
                JsonNode row = Json.ONE_OF_MANY.readTree(parser);
                rows.add(MetadataRow.of(location, () -> object(row, location)));
            }
            if (parser.nextToken() != null) {
                throw new InvalidFileException(
                        Location.of(file, parser.currentTokenLocation().getLineNr()),
                        "has text behind the end of the array");
            }
            return rows;
        } catch (JsonProcessingException e) {
            throw malformed(file, 1, e);
        } catch (IOException e) {
            throw new UncheckedIOException("a text in memory could not be read", e);
        }
    }

    static List<MetadataRow> ofLines(Path file, String text) {
        List<MetadataRow> rows = new ArrayList<>();
        int line = 0;
        for (String one : (Iterable<String>) text.lines()::iterator) {
            line++;
            if (!one.isBlank()) {
                Location location = Location.of(file, line);
                int at = line;
                rows.add(MetadataRow.of(location, () -> object(parse(one, file, at), location)));
            }
        }
        return rows;
    }

    /// One JSON value.
    ///
    /// @param line of the file on which `text` begins
    static JsonNode parse(String text, Path file, int line) {
        try {
            return Json.MAPPER.readTree(text);
        } catch (JsonProcessingException e) {
            throw malformed(file, line, e);
        }
    }

    private static ObjectNode object(JsonNode node, Location location) {
        if (node instanceof ObjectNode object) {
            return object;
        }
        throw new InvalidFileException(location, "a row must be a JSON object, found " + shown(node));
    }

    /// A value as it may stand in a message.
    static String shown(JsonNode node) {
        String text = node.toString();
        return text.length() <= 60 ? text : text.substring(0, 57) + "...";
    }

    private static InvalidFileException malformed(Path file, int firstLine, JsonProcessingException e) {
        int line = e.getLocation() == null
                ? firstLine
                : firstLine + e.getLocation().getLineNr() - 1;
        return new InvalidFileException(
                Location.of(file, line), "is not JSON: " + JsonReason.of(e) + hint(e.getOriginalMessage()), e);
    }

    private static String hint(String fault) {
        return PYTHON.matcher(fault).find()
                ? "; it looks like a Python dict: JSON needs double quotes, and null, true, false for None, True, False"
                : "";
    }
}
