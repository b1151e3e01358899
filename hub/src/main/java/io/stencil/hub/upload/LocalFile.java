package io.stencil.hub.upload;

import io.stencil.hub.protocol.Checksum;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;

/// A file that is to be published.
///
/// @param path in the repository
/// @param sha256 of its content
record LocalFile(String path, Path file, long size, String sha256) {

    /// Whether the hub has the same content under this checksum.
    boolean isSame(long remoteSize, Checksum checksum) throws IOException {
        if (remoteSize != size) {
            return false;
        }
        return switch (checksum) {
            case Checksum.Sha256(String hex) -> hex.equals(sha256);
            case Checksum.GitBlob blob -> hex(blob).equals(blob.hex());
            case Checksum.None _ -> false;
        };
    }

    private String hex(Checksum checksum) throws IOException {
        MessageDigest digest = checksum.digest(size);
        try (InputStream in = Files.newInputStream(file)) {
            byte[] buffer = new byte[1 << 20];
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                digest.update(buffer, 0, read);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
