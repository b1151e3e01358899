package io.stencil.files;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// Computes SHA-256 in hexadecimal digits.
public final class Sha256 {

    private static final int BUFFER = 1 << 20;

    private Sha256() {}

    /// Hashes a file's content.
    ///
    /// @throws IOException when it cannot be read
    public static String of(Path file) throws IOException {
        MessageDigest digest = digest();
        try (InputStream in = Files.newInputStream(file)) {
            byte[] buffer = new byte[BUFFER];
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                digest.update(buffer, 0, read);
            }
        }
        return hex(digest);
    }

    /// Hashes a file's content, with a message for the user when reading fails.
    ///
    /// @throws InvalidFileException when it cannot be read
    public static String ofInput(Path file) {
        try {
            return of(file);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be read: " + e, e);
        }
    }

    /// Hashes these bytes.
    public static String of(byte[] content) {
        MessageDigest digest = digest();
        digest.update(content);
        return hex(digest);
    }

    /// Returns a new digest.
    public static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /// Finishes a digest.
    public static String hex(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }
}
