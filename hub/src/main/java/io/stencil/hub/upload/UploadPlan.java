package io.stencil.hub.upload;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.Sha256;
import io.stencil.hub.download.FileNames;
import io.stencil.hub.provider.Listing.Checksum;
import io.stencil.hub.provider.Repository;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Folder to publish and its destination.
///
/// @param revision branch of the repository
/// @param folder with the files; only those that its `SHA256SUMS` names, where it has one
/// @param isPrivate visibility of a new repository
/// @param license of a new repository, where the hub requires one
/// @param dryRun compare without sending
public record UploadPlan(
        Repository repository,
        String revision,
        Path folder,
        String message,
        boolean isPrivate,
        @Nullable String license,
        boolean dryRun) {

    /// Lists the files to publish, sorted: those that `SHA256SUMS` names, and itself; without one, all of the kinds
    /// that are fetched.
    ///
    /// @throws InvalidFileException when there is none, one is a link or cannot be read, or differs from `SHA256SUMS`
    List<LocalFile> files() {
        if (!Files.isDirectory(folder)) {
            throw new InvalidFileException(folder, "is not a directory; name the one that 'stencil package' wrote");
        }
        Set<String> published = published();
        List<LocalFile> files = new ArrayList<>();
        try (Stream<Path> content = Files.walk(folder)) {
            for (Path file : content.sorted().toList()) {
                if (Files.isSymbolicLink(file)) {
                    throw new InvalidFileException(file, "is a link; only plain files are published");
                }
                String path = FileNames.relative(folder, file);
                if (Files.isRegularFile(file) && published.contains(path)) {
                    files.add(new LocalFile(path, file, Files.size(file), Sha256.of(file)));
                }
            }
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be read: " + e, e);
        }
        if (files.isEmpty()) {
            throw new InvalidFileException(
                    folder, "holds no file that is published; only %s are".formatted(FileNames.kinds()));
        }
        return files;
    }

    /// Lists files in the folder that are not published: those that `SHA256SUMS` does not name, or without one, those
    /// of kinds that are not fetched.
    ///
    /// @throws InvalidFileException when the folder cannot be read
    public List<String> leftOut() {
        Set<String> published = published();
        return all().stream().filter(path -> !published.contains(path)).toList();
    }

    private Set<String> published() {
        Optional<Set<String>> named = Sha256Sums.requireSame(folder);
        if (named.isEmpty()) {
            return all().stream().filter(UploadPlan::isPublished).collect(Collectors.toSet());
        }
        Set<String> published = new HashSet<>(named.get());
        published.add(Sha256Sums.FILE_NAME);
        for (String path : published) {
            if (!isPublished(path)) {
                throw new InvalidFileException(
                        folder.resolve(path),
                        "is named by SHA256SUMS, but is hidden or of a kind that nobody fetches; only %s are"
                                .formatted(FileNames.kinds()));
            }
        }
        return published;
    }

    private Set<String> all() {
        try {
            return FileNames.in(folder).keySet();
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be read: " + e, e);
        }
    }

    /// Returns whether a file is of a kind that is fetched, and not hidden.
    static boolean isPublished(String path) {
        return FileNames.isAllowed(path) && Stream.of(path.split("/")).noneMatch(part -> part.startsWith("."));
    }

    /// @param path in the repository
    /// @param sha256 of its content
    record LocalFile(String path, Path file, long size, String sha256) {

        /// Returns whether a file of the hub has the same content.
        boolean isSame(long remoteSize, Checksum checksum) throws IOException {
            if (remoteSize != size) {
                return false;
            }
            return switch (checksum) {
                case Checksum.Sha256(String hex) -> hex.equals(sha256);
                case Checksum.GitBlob blob -> blob.accepts(blob.digest(file));
                case Checksum.None _ -> false;
            };
        }

        /// Encodes the content in Base64.
        ///
        /// @param limit number of bytes from the beginning
        String base64(int limit) {
            try (InputStream content = Files.newInputStream(file)) {
                return Base64.getEncoder().encodeToString(content.readNBytes(limit));
            } catch (IOException e) {
                throw new InvalidFileException(Location.of(file), "cannot be read: " + e, e);
            }
        }
    }
}
