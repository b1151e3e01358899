package io.stencil.hub.provider;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// All files of a repository at one revision.
///
/// @param revision as requested
/// @param commit of that revision, or null where the hub names none
public record Listing(String revision, @Nullable String commit, List<RemoteFile> files) {

    private static final Pattern COMMIT = Pattern.compile("[0-9a-fA-F]{7,64}");

    public Listing {
        files = List.copyOf(files);
    }

    /// Returns `text` where it is the name of a commit, or null.
    public static @Nullable String commitName(@Nullable String text) {
        return text != null && COMMIT.matcher(text).matches() ? text : null;
    }

    /// @param path inside the repository, with `/` between folders; not validated
    /// @param isPlain false for a link and whatever else is not a file of its own
    public record RemoteFile(String path, long size, Checksum checksum, boolean isPlain) {

        /// Returns whether a local file has the size and checksum.
        public boolean isContentOf(Path file) throws IOException {
            return Files.size(file) == size && checksum.accepts(checksum.digest(file));
        }
    }

    /// Checksum of a file's content.
    public sealed interface Checksum {

        /// @param hex of the content's SHA-256
        record Sha256(String hex) implements Checksum {
            public Sha256 {
                hex = hex.toLowerCase(Locale.ROOT);
            }
        }

        /// @param hex of the SHA-1 of git's blob
        record GitBlob(String hex) implements Checksum {
            public GitBlob {
                hex = hex.toLowerCase(Locale.ROOT);
            }
        }

        /// The hub names none.
        record None() implements Checksum {}

        /// Hashes a file, with the algorithm of this checksum.
        ///
        /// @return hexadecimal digits
        default String digest(Path file) throws IOException {
            return switch (this) {
                case Sha256 _, None _ -> io.stencil.files.Sha256.of(file);
                case GitBlob _ -> gitHash(file);
            };
        }

        private static String gitHash(Path file) throws IOException {
            try (InputStream content = Files.newInputStream(file)) {
                MessageDigest digest = MessageDigest.getInstance("SHA-1");
                digest.update(("blob " + Files.size(file) + "\0").getBytes(StandardCharsets.US_ASCII));
                new DigestInputStream(content, digest).transferTo(OutputStream.nullOutputStream());
                return HexFormat.of().formatHex(digest.digest());
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java has SHA-1", e);
            }
        }

        default boolean accepts(String digest) {
            return switch (this) {
                case Sha256(String hex) -> digest.equals(hex);
                case GitBlob(String hex) -> digest.equals(hex);
                case None _ -> true;
            };
        }

        /// Formats it, such as `sha256:...`, for [#parse].
        default String text() {
            return switch (this) {
                case Sha256(String hex) -> "sha256:" + hex;
                case GitBlob(String hex) -> "git:" + hex;
                case None _ -> "none";
            };
        }

        static Checksum parse(String text) {
            if (text.startsWith("sha256:")) {
                return new Sha256(text.substring("sha256:".length()));
            }
            return text.startsWith("git:") ? new GitBlob(text.substring("git:".length())) : new None();
        }
    }
}
