package io.stencil.safetensors;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.LocalPath;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// Opens a regular file for reading and reports failures as [InvalidFileException].
final class ReadableFile {

    /// What is done with the open file.
    @FunctionalInterface
    interface Use<T> {
        T apply(FileChannel channel) throws IOException;
    }

    private ReadableFile() {}

    /// Closes the file when `use` returns or throws.
    static <T> T with(Path file, Use<T> use) {
        if (!Files.exists(file)) {
            throw new InvalidFileException(file, "no such file" + LocalPath.hint(file.toString()));
        }
        if (!Files.isRegularFile(file)) {
            throw new InvalidFileException(file, "expected a file, found a folder or a device");
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return use.apply(channel);
        } catch (IOException fault) {
            throw new InvalidFileException(Location.of(file), "cannot be read: " + fault, fault);
        }
    }
}
