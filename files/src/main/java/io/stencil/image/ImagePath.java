package io.stencil.image;

import io.stencil.error.InvalidFileException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Resolves the name of an image as datasets and Template inputs hold it, and hints at usual mistakes where no such
/// file exists: URLs, `~`, backslashes, another Unicode normalization form.
public final class ImagePath {

    private static final Pattern URL = Pattern.compile("(?i)[a-z][a-z0-9+.-]+:/.*");

    private ImagePath() {}

    /// @param folder against which a relative path is resolved
    /// @throws InvalidFileException when there is no such file
    /// @throws java.nio.file.InvalidPathException when the name cannot be a path
    public static Path resolve(Path folder, String name) {
        Path file = folder.resolve(name);
        if (!Files.exists(file)) {
            String hint = hint(folder, name);
            throw new InvalidFileException(
                    file, "no such file; " + (hint == null ? "give the path of a picture" : hint));
        }
        return file;
    }

    private static @Nullable String hint(Path folder, String name) {
        if (URL.matcher(name).matches()) {
            return "URLs are not supported: download the image and give its path";
        }
        if (name.startsWith("~")) {
            return "'~' is not expanded: write the whole path of the home directory";
        }
        if (name.contains("\\")) {
            return "write '/' between folders, '\\' is part of a file name here";
        }
        return otherForm(folder, name)
                .map(
                        "a file of this name exists in Unicode normalization form %s: rename it, or write its name in that form"
                                ::formatted)
                .orElse(null);
    }

    private static Optional<Normalizer.Form> otherForm(Path folder, String name) {
        for (Normalizer.Form form : new Normalizer.Form[] {Normalizer.Form.NFC, Normalizer.Form.NFD}) {
            String other = Normalizer.normalize(name, form);
            if (!other.equals(name) && Files.exists(folder.resolve(other))) {
                return Optional.of(form);
            }
        }
        return Optional.empty();
    }
}
