package io.stencil.cli.demo;

import io.stencil.error.InvalidRequestException;
import io.stencil.files.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/// The output folder of demos. Each demo replaces what the one before made there, so it has to be a demo's alone.
final class DemoFolder {

    private static final String MARK = ".stencil-demo";

    private DemoFolder() {}

    /// Marks a folder, which is made if need be, as a demo's.
    ///
    /// @throws InvalidRequestException when it holds something and is not marked
    static void claim(Path folder) throws IOException {
        Path mark = folder.resolve(MARK);
        if (Files.exists(mark)) {
            return;
        }
        if (Files.isDirectory(folder)) {
            try (Stream<Path> content = Files.list(folder)) {
                Optional<Path> found = content.sorted().findFirst();
                if (found.isPresent()) {
                    throw new InvalidRequestException(
                            "output",
                            ("'%s' holds '%s' and is not marked as a demo's (%s), which would replace files; "
                                            + "name another folder")
                                    .formatted(folder, found.get().getFileName(), MARK));
                }
            }
        }
        AtomicFile.writeText(mark, "What lies here was made by stencil demo, and the next demo here replaces it.\n");
    }
}
