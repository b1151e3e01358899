package io.stencil.cli;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.image.ImageFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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

    /// @return the format in which an image of this name is written
    /// @throws InvalidRequestException when the name, the file or the folders above it do not allow to write
    static ImageFormat requireImage(String option, Path file) {
        ImageFormat format;
        try {
            format = ImageFormat.ofName(file);
        } catch (InvalidRequestException e) {
            throw new InvalidRequestException(Location.ofField(option), "'%s': %s".formatted(file, e.what()), e);
        }
        requireFile(option, file, "");
        return format;
    }

    /// Refuses an output that would replace an input, by whatever path or link it is named.
    ///
    /// @param inputs by what they are, such as `--input_image`: files, or folders, of which the weights are inputs
    /// @throws InvalidRequestException naming the input
    static void requireNoInput(String option, Path file, Map<String, List<Path>> inputs) {
        inputs.forEach((name, paths) -> {
            if (paths.stream().anyMatch(input -> isInput(file, input))) {
                throw new InvalidRequestException(
                        option, "'%s' is a file of %s, which it would replace; name another one".formatted(file, name));
            }
        });
    }

    private static boolean isInput(Path file, Path input) {
        try {
            if (!Files.exists(file) || !Files.exists(input)) {
                return false;
            }
            return Files.isDirectory(input)
                    ? file.toString().endsWith(".safetensors")
                            && file.toRealPath().startsWith(input.toRealPath())
                    : Files.isSameFile(file, input);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be compared with the inputs: " + e, e);
        }
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
                    option, "'%s' cannot be written: '%s' is not a directory".formatted(target, nearest));
        }
        if (!Files.isWritable(nearest)) {
            throw new InvalidRequestException(
                    option, "'%s' cannot be written: no right to write into '%s'".formatted(target, nearest));
        }
    }
}
