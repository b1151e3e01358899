package io.stencil.train.data;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/// Reads the rows of a metadata file, whose format its name tells.
final class MetadataFile {

    private static final char BYTE_ORDER_MARK = '\uFEFF';

    private MetadataFile() {}

    /// @throws InvalidFileException when the file is absent, malformed, or has no rows
    static List<MetadataRow> read(Path file) {
        List<MetadataRow> rows = rows(file);
        if (rows.isEmpty()) {
            throw new InvalidFileException(file, "holds no rows; a dataset needs at least one");
        }
        return rows;
    }

    private static List<MetadataRow> rows(Path file) {
        String name = file.toString().toLowerCase(Locale.ROOT);
        if (name.endsWith(".jsonl")) {
            return JsonRows.ofLines(file, text(file));
        }
        if (name.endsWith(".json")) {
            return JsonRows.ofArray(file, text(file));
        }
        if (name.endsWith(".csv")) {
            return CsvRows.of(file, text(file));
        }
        throw new InvalidRequestException(
                "dataset_metadata_path", "expected a .json, .jsonl or .csv file, found '%s'".formatted(file));
    }

    private static String text(Path file) {
        try {
            String text = Files.readString(file);
            return !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK ? text.substring(1) : text;
        } catch (NoSuchFileException e) {
            throw new InvalidFileException(Location.of(file), "does not exist; check --dataset_metadata_path", e);
        } catch (CharacterCodingException e) {
            throw new InvalidFileException(Location.of(file), "is not UTF-8 text; save it as UTF-8", e);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be read: " + e, e);
        }
    }
}
