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
            for (int begin = 2; records.hasNext(); begin = Math.toIntExact(parser.getCurrentLineNumber()) + 1) {
                CSVRecord one = records.next();
                Location location = Location.of(file, begin);
                if (!one.isConsistent()) {
                    throw new InvalidFileException(
                            location,
                            "has %s cells, the header names %s columns; quote cells that contain commas"
                                    .formatted(one.size(), columns.size()));
                }
                rows.add(new MetadataRow(fields(one, columns, file, begin), location));
            }
            return rows;
        } catch (UncheckedIOException | IllegalArgumentException e) {
            throw malformed(file, e);
        } catch (IOException e) {
            throw malformed(file, e);
        }
    }

    private static InvalidFileException malformed(Path file, Exception e) {
        return new InvalidFileException(Location.of(file), "is not CSV: " + e.getMessage(), e);
    }

    private static ObjectNode fields(CSVRecord cells, List<String> columns, Path file, int line) {
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
