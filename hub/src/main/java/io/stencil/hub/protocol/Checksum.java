package io.stencil.hub.protocol;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/// How a file's content is known to be the right one.
public sealed interface Checksum {

    /// @param hex of the content's SHA-256
    record Sha256(String hex) implements Checksum {
        public Sha256 {
            hex = hex.toLowerCase(Locale.ROOT);
        }
    }

    /// @param hex of the SHA-1 that git names a file of a repository by
    record GitBlob(String hex) implements Checksum {
        public GitBlob {
            hex = hex.toLowerCase(Locale.ROOT);
        }
    }

    /// The hub tells none.
    record None() implements Checksum {}

    /// A digest that is to be fed the content.
    ///
    /// @param size of the content in bytes
    default MessageDigest digest(long size) {
        return switch (this) {
            case Sha256 _ -> newDigest("SHA-256");
            case None _ -> newDigest("SHA-256");
            case GitBlob _ -> {
                MessageDigest digest = newDigest("SHA-1");
                digest.update(("blob " + size + "\0").getBytes(java.nio.charset.StandardCharsets.US_ASCII));
                yield digest;
            }
        };
    }

    /// Whether content with this digest is the right one.
    default boolean accepts(byte[] digest) {
        String found = HexFormat.of().formatHex(digest);
        return switch (this) {
            case Sha256(String hex) -> found.equals(hex);
            case GitBlob(String hex) -> found.equals(hex);
            case None _ -> true;
        };
    }

    /// `sha256:...`, one word a kind.
    default String text() {
        return switch (this) {
            case Sha256(String hex) -> "sha256:" + hex;
            case GitBlob(String hex) -> "git:" + hex;
            case None _ -> "none";
        };
    }

    /// Reads what [#text] wrote.
    static Checksum parse(String text) {
        if (text.startsWith("sha256:")) {
            return new Sha256(text.substring("sha256:".length()));
        }
        return text.startsWith("git:") ? new GitBlob(text.substring("git:".length())) : new None();
    }

    private static MessageDigest newDigest(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has " + algorithm, e);
        }
    }
}
