package io.stencil.cli.inspect;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// What lies in a folder.
final class FolderContent {

    private FolderContent() {}

    /// Everything in the folder that is not hidden, sorted.
    static List<Path> files(Path folder) {
        try (Stream<Path> content = Files.list(folder)) {
            return content.filter(path -> !path.getFileName().toString().startsWith("."))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be listed: " + e, e);
        }
    }

    /// The safetensors files of the folder, sorted.
    static List<Path> weights(Path folder) {
        return files(folder).stream()
                .filter(path -> path.toString().endsWith(".safetensors"))
                .toList();
    }
}
