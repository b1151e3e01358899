package io.stencil.train.data;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.InvalidFileException;
import io.stencil.files.Sha256;
import io.stencil.train.data.DatasetRow.LossMask;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Hashes the content by SHA-256 of all that a row is made of: prompt, image, edit images, mask of the loss, Template
/// inputs, and every file that a string in the Template inputs names. Of the image the name counts too, as what a
/// Template draws for the row follows from it.
public final class RowDigest {

    private RowDigest() {}

    /// Reads the row's files.
    ///
    /// @param folder against which relative paths are resolved
    /// @return 64 hexadecimal digits
    /// @throws InvalidFileException naming the row when a file cannot be read
    public static String of(DatasetRow row, Path folder) {
        List<String> parts = new ArrayList<>();
        parts.add(row.prompt());
        parts.add(String.valueOf(row.image().getFileName()));
        parts.add(hash(row, row.image()));
        parts.add(String.valueOf(row.editImages().size()));
        row.editImages().forEach(file -> parts.add(hash(row, file)));
        if (row.templateInputs() != null) {
            parts.add(row.templateInputs().toString());
            addFiles(row, row.templateInputs(), folder, parts);
        }
        LossMask mask = row.mask();
        if (mask != null) {
            parts.add("mask " + mask.channels().option());
            parts.add(hash(row, mask.file()));
        }
        MessageDigest digest = Sha256.digest();
        for (String part : parts) {
            byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
            digest.update((bytes.length + ":").getBytes(StandardCharsets.US_ASCII));
            digest.update(bytes);
        }
        return Sha256.hex(digest);
    }

    private static void addFiles(DatasetRow row, JsonNode value, Path folder, List<String> parts) {
        if (value.isTextual()) {
            Path file = file(folder, value.textValue());
            parts.add(file == null ? "no file" : hash(row, file));
        }
        value.forEach(inner -> addFiles(row, inner, folder, parts));
    }

    private static @Nullable Path file(Path folder, String text) {
        try {
            Path file = folder.resolve(text);
            return Files.isRegularFile(file) ? file : null;
        } catch (InvalidPathException _) { // a string that is no path
            return null;
        }
    }

    private static String hash(DatasetRow row, Path file) {
        try {
            return Sha256.of(file);
        } catch (IOException e) {
            throw new InvalidFileException(row.location(), "%s: cannot be read: %s".formatted(file, e), e);
        }
    }
}
