package io.stencil.train.data;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.apache.commons.csv.DuplicateHeaderMode;

/// Rows of a `.csv` file whose first line names the columns.
///
/// Cells are text. The cell of `template_inputs` is a JSON object; that of `edit_image` is a path or a JSON list of
/// paths. An empty cell means that the row lacks the key, except for the prompt, which may be empty.
final class CsvRows {

    private static final CSVFormat FORMAT = CSVFormat.RFC4180
            .builder()
            .setHeader()
            .setSkipHeaderRecord(true)
            .setDuplicateHeaderMode(DuplicateHeaderMode.DISALLOW)
            .setIgnoreEmptyLines(true)
            .setTrim(false)
            .get();

    private CsvRows() {}

    static List<MetadataRow> of(Path file, String text) {
        List<MetadataRow> rows = new ArrayList<>();
        try (CSVParser parser = CSVParser.parse(new StringReader(text), FORMAT)) {
            Iterator<CSVRecord> records = parser.iterator();
            List<String> columns = parser.getHeaderNames();
            requireCommas(columns, file);
            for (int begin = 2; records.hasNext(); begin = Math.toIntExact(parser.getCurrentLineNumber()) + 1) {
                CSVRecord cells = records.next();
                int line = begin;
                rows.add(MetadataRow.of(Location.of(file, line), () -> fields(cells, columns, file, line)));
            }
            return rows;
        } catch (UncheckedIOException | IllegalArgumentException e) {
            throw malformed(file, e);
        } catch (IOException e) {
            throw malformed(file, e);
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

    private static InvalidFileException malformed(Path file, Exception e) {
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
                fields.set(column, JsonRows.parse(cell, file, line));
            } else {
                fields.put(column, cell);
            }
        }
        return fields;
    }
}
