package io.stencil.files;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// A folder of its own that is gone, with all in it, when it is closed.
///
/// @param path of the folder
public record TemporaryFolder(Path path) implements AutoCloseable {

    public static TemporaryFolder create(String prefix) throws IOException {
        return new TemporaryFolder(Files.createTempDirectory(prefix));
    }

    @Override
    public void close() throws IOException {
        AtomicFolder.remove(path);
    }
}
