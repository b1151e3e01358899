package io.stencil.cli;

import io.stencil.error.InvalidRequestException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Refuses, before any long work, a place where its result could not be written.
final class OutputCheck {

    private OutputCheck() {}

    /// @param extension that the name must have, such as `.png`
    /// @throws InvalidRequestException when the name, the file or the folders above it do not allow to write
    static void requireFile(String option, Path file, String extension) {
        if (!file.toString().toLowerCase(Locale.ROOT).endsWith(extension)) {
            throw new InvalidRequestException(
                    option, "'%s' must end in %s: that is the format written".formatted(file, extension));
        }
        if (Files.isDirectory(file)) {
            throw new InvalidRequestException(option, "'%s' is a folder; name a file".formatted(file));
        }
        requireWritable(option, file, file.toAbsolutePath().getParent());
    }

    /// A folder that is there or can be made.
    ///
    /// @throws InvalidRequestException when it cannot be written to
    static void requireFolder(String option, Path folder) {
        requireWritable(option, folder, folder.toAbsolutePath());
    }

    private static void requireWritable(String option, Path target, @Nullable Path folder) {
        Path nearest = folder;
        while (nearest != null && Files.notExists(nearest)) {
            nearest = nearest.getParent();
        }
        if (nearest == null || !Files.isDirectory(nearest)) {
            throw new InvalidRequestException(
                    option, "'%s' cannot be written: '%s' is no folder".formatted(target, nearest));
        }
        if (!Files.isWritable(nearest)) {
            throw new InvalidRequestException(
                    option, "'%s' cannot be written: no right to write into '%s'".formatted(target, nearest));
        }
    }
}
