package io.stencil.hub.fetch;

import io.stencil.hub.protocol.Checksum;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;

/// Checks what a file holds.
final class ContentHash {

    private static final int BUFFER = 1 << 20;

    private ContentHash() {}

    /// The digest that `checksum` asks for.
    static byte[] of(Path file, Checksum checksum) throws IOException {
        MessageDigest digest = checksum.digest(Files.size(file));
        try (InputStream in = Files.newInputStream(file)) {
            byte[] buffer = new byte[BUFFER];
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                digest.update(buffer, 0, read);
            }
        }
        return digest.digest();
    }

    /// Whether the file has this size and checksum.
    static boolean matches(Path file, long size, Checksum checksum) throws IOException {
        return Files.size(file) == size && checksum.accepts(of(file, checksum));
    }
}
