package io.stencil.train.data;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.json.Json;
import io.stencil.json.JsonReason;
import io.stencil.json.TextFile;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.apache.commons.csv.DuplicateHeaderMode;
import org.jspecify.annotations.Nullable;

/// Reads the rows of a metadata file, whose format its name gives.
public final class MetadataFile {

    /// How the parser calls single quotes and the constants of Python.
    private static final Pattern PYTHON = Pattern.compile("\\(code 39\\)|token '(None|True|False)'");

    private static final CSVFormat FORMAT = CSVFormat.RFC4180
            .builder()
            .setHeader()
            .setSkipHeaderRecord(true)
            .setDuplicateHeaderMode(DuplicateHeaderMode.DISALLOW)
            .setIgnoreEmptyLines(true)
            .setTrim(false)
            .get();

    private MetadataFile() {}

    /// @throws InvalidFileException when the file is absent, malformed, or has no rows
    static List<Row> read(Path file) {
        String option = "dataset_metadata_path";
        if (isCsv(file)) {
            return required(csv(file, text(file, option)), file, "a dataset");
        }
        return json(file, option, ".json, .jsonl or .csv", "a dataset");
    }

    /// Reads the rows of another file than a dataset's, each an object: `.jsonl` has one a line, `.json` an array.
    ///
    /// @param option that names the file
    /// @throws InvalidFileException when the file is absent, malformed, or has no rows
    /// @throws InvalidRequestException when its name ends otherwise
    public static List<Row> readJson(Path file, String option) {
        return json(file, option, ".json or .jsonl", "--" + option);
    }

    private static List<Row> json(Path file, String option, String endings, String user) {
        String name = file.toString().toLowerCase(Locale.ROOT);
        if (name.endsWith(".jsonl")) {
            return required(jsonLines(file, text(file, option)), file, user);
        }
        if (name.endsWith(".json")) {
            return required(jsonArray(file, text(file, option)), file, user);
        }
        throw new InvalidRequestException(option, "expected a %s file, found '%s'".formatted(endings, file));
    }

    private static boolean isCsv(Path file) {
        return file.toString().toLowerCase(Locale.ROOT).endsWith(".csv");
    }

    private static List<Row> required(List<Row> rows, Path file, String user) {
        if (rows.isEmpty()) {
            throw new InvalidFileException(file, "holds no rows; %s needs at least one".formatted(user));
        }
        return rows;
    }

    private static String text(Path file, String option) {
        if (!Files.exists(file)) {
            throw new InvalidFileException(Location.of(file), "does not exist; check --" + option);
        }
        return TextFile.read(file);
    }

    /// Holds one row of a metadata file, or the reason why it cannot be parsed.
    ///
    /// @param parsed null where there is a fault
    /// @param location file and line where the row begins
    public record Row(
            @Nullable ObjectNode parsed,
            Location location,
            @Nullable InvalidFileException fault) {

        /// Parses a row; a fault is kept for [#fields].
        static Row of(Location location, Supplier<ObjectNode> parsing) {
            try {
                return new Row(parsing.get(), location, null);
            } catch (InvalidFileException e) {
                return new Row(null, location, e);
            }
        }

        /// Returns the columns of the row.
        ///
        /// @throws InvalidFileException when the row cannot be parsed
        public ObjectNode fields() {
            if (fault != null) {
                throw fault;
            }
            return Objects.requireNonNull(parsed);
        }
    }

    /// Reads a `.json` file, an array of objects.
    private static List<Row> jsonArray(Path file, String text) {
        List<Row> rows = new ArrayList<>();
        try (JsonParser parser = Json.MAPPER.createParser(text)) {
            if (parser.nextToken() != JsonToken.START_ARRAY) {
                throw new InvalidFileException(
                        Location.of(file), "must be a JSON array of rows; an object a line belongs in a .jsonl file");
            }
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                Location location =
                        Location.of(file, parser.currentTokenLocation().getLineNr());
                JsonNode row = Json.ONE_OF_MANY.readTree(parser);
                rows.add(Row.of(location, () -> object(row, location)));
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

    /// Reads a `.jsonl` file, an object a line.
    private static List<Row> jsonLines(Path file, String text) {
        List<Row> rows = new ArrayList<>();
        int line = 0;
        for (String row : (Iterable<String>) text.lines()::iterator) {
            line++;
            if (!row.isBlank()) {
                Location location = Location.of(file, line);
                int at = line;
                rows.add(Row.of(location, () -> object(parse(row, file, at), location)));
            }
        }
        return rows;
    }

    /// Parses one JSON value.
    ///
    /// @param line of the file on which `text` begins
    private static JsonNode parse(String text, Path file, int line) {
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
        throw new InvalidFileException(location, "a row must be a JSON object, found " + JsonReason.shown(node));
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

    /// Reads a `.csv` file whose first line names the columns.
    ///
    /// Cells are text. The cell of `template_inputs` is a JSON object; that of `edit_image` is a path or a JSON list of
    /// paths. An empty cell means that the row lacks the key, except for the prompt, which may be empty.
    private static List<Row> csv(Path file, String text) {
        List<Row> rows = new ArrayList<>();
        try (CSVParser parser = CSVParser.parse(new StringReader(text), FORMAT)) {
            Iterator<CSVRecord> records = parser.iterator();
            List<String> columns = parser.getHeaderNames();
            requireCommas(columns, file);
            for (int begin = 2; records.hasNext(); begin = Math.toIntExact(parser.getCurrentLineNumber()) + 1) {
                CSVRecord cells = records.next();
                int line = begin;
                rows.add(Row.of(Location.of(file, line), () -> fields(cells, columns, file, line)));
            }
            return rows;
        } catch (UncheckedIOException | IllegalArgumentException e) {
            throw notCsv(file, e);
        } catch (IOException e) {
            throw notCsv(file, e);
        }
    }

    private static void requireCommas(List<String> columns, Path file) {
        if (columns.size() == 1) {
            for (String separator : List.of(";", "\t", "|")) {
                if (columns.getFirst().contains(separator)) {
                    throw new InvalidFileException(
                            Location.of(file, 1),
                            "separates its columns by %s; save it as CSV with commas"
                                    .formatted(separator.equals("\t") ? "tabs" : "'" + separator + "'"));
                }
            }
        }
    }

    private static InvalidFileException notCsv(Path file, Exception e) {
        return new InvalidFileException(Location.of(file), "is not CSV: " + e.getMessage(), e);
    }

    private static ObjectNode fields(CSVRecord cells, List<String> columns, Path file, int line) {
        if (!cells.isConsistent()) {
            throw new InvalidFileException(
                    Location.of(file, line),
                    "has %s cells, the header names %s columns; quote cells that contain commas"
                            .formatted(cells.size(), columns.size()));
        }
        ObjectNode fields = JsonNodeFactory.instance.objectNode();
        for (String column : columns) {
            String cell = cells.get(column);
            if (cell.isEmpty() && !column.equals("prompt")) {
                continue;
            }
            boolean list = column.equals("edit_image") && cell.stripLeading().startsWith("[");
            boolean json = list || column.equals("template_inputs");
            if (json) {
                fields.set(column, parse(cell, file, line));
            } else {
                fields.put(column, cell);
            }
        }
        return fields;
    }
}
