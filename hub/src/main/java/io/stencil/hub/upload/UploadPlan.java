package io.stencil.hub.upload;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.hub.fetch.ContentHash;
import io.stencil.hub.fetch.FileKinds;
import io.stencil.hub.protocol.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// What is to be published.
///
/// @param repository that gets it
/// @param revision branch of it
/// @param folder whose files are meant, without hidden ones
/// @param isPrivate whether a repository that is made for it is seen by its owner alone
/// @param license of a repository that is made for it, where the hub asks for one
/// @param dryRun look and tell, send nothing
public record UploadPlan(
        Repository repository,
        String revision,
        Path folder,
        String message,
        boolean isPrivate,
        @Nullable String license,
        boolean dryRun) {

    /// The folder's files, sorted.
    ///
    /// @throws InvalidFileException when there is none, one is a link or cannot be read, or one is not what
    /// `SHA256SUMS`
    ///     says
    List<LocalFile> files() {
        if (!Files.isDirectory(folder)) {
            throw new InvalidFileException(folder, "is no folder; name the one that 'stencil package' wrote");
        }
        List<LocalFile> files = new ArrayList<>();
        try (Stream<Path> content = Files.walk(folder)) {
            for (Path file : content.sorted().toList()) {
                String path = folder.relativize(file).toString().replace('\\', '/');
                if (Files.isSymbolicLink(file)) {
                    throw new InvalidFileException(file, "is a link; only plain files are published");
                }
                if (Files.isRegularFile(file) && isPublished(path)) {
                    files.add(new LocalFile(path, file, Files.size(file), ContentHash.sha256(file)));
                }
            }
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be read: " + e, e);
        }
        if (files.isEmpty()) {
            throw new InvalidFileException(
                    folder, "holds no file that is published; only %s are".formatted(FileKinds.describe()));
        }
        Sha256Sums.requireSame(folder);
        return files;
    }

    /// Names of files in the folder that stay here: of kinds that nobody would fetch.
    ///
    /// @throws InvalidFileException when the folder cannot be read
    public List<String> leftOut() {
        try (Stream<Path> content = Files.walk(folder)) {
            return content.filter(Files::isRegularFile)
                    .map(file -> folder.relativize(file).toString().replace('\\', '/'))
                    .filter(path -> !isPublished(path))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be read: " + e, e);
        }
    }

    private static boolean isPublished(String path) {
        return FileKinds.isAllowed(path) && Stream.of(path.split("/")).noneMatch(part -> part.startsWith("."));
    }
}
