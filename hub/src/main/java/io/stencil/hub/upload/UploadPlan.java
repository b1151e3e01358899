package io.stencil.hub.upload;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.Sha256;
import io.stencil.hub.fetch.FileKinds;
import io.stencil.hub.protocol.Repository;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// What is to be published.
///
/// @param repository that gets it
/// @param revision branch of it
/// @param folder whose files are meant: those that its `SHA256SUMS` names, where it has one
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

    /// The files that are published, sorted: those that `SHA256SUMS` names, and itself; without one, all of the kinds
    /// that are fetched.
    ///
    /// @throws InvalidFileException when there is none, one is a link or cannot be read, or one is not what
    /// `SHA256SUMS`
    ///     says
    List<LocalFile> files() {
        if (!Files.isDirectory(folder)) {
            throw new InvalidFileException(folder, "is no folder; name the one that 'stencil package' wrote");
        }
        Set<String> published = published();
        List<LocalFile> files = new ArrayList<>();
        try (Stream<Path> content = Files.walk(folder)) {
            for (Path file : content.sorted().toList()) {
                if (Files.isSymbolicLink(file)) {
                    throw new InvalidFileException(file, "is a link; only plain files are published");
                }
                String path = path(file);
                if (Files.isRegularFile(file) && published.contains(path)) {
                    files.add(new LocalFile(path, file, Files.size(file), Sha256.of(file)));
                }
            }
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be read: " + e, e);
        }
        if (files.isEmpty()) {
            throw new InvalidFileException(
                    folder, "holds no file that is published; only %s are".formatted(FileKinds.describe()));
        }
        return files;
    }

    /// Names of files in the folder that stay here: those that `SHA256SUMS` does not name, or without one, those of
    /// kinds
    /// that nobody would fetch.
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
                                .formatted(FileKinds.describe()));
            }
        }
        return published;
    }

    private List<String> all() {
        try (Stream<Path> content = Files.walk(folder)) {
            return content.filter(Files::isRegularFile).map(this::path).sorted().toList();
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be read: " + e, e);
        }
    }

    private String path(Path file) {
        return folder.relativize(file).toString().replace(File.separatorChar, '/');
    }

    /// Whether a file is of a kind that is fetched, and not hidden.
    static boolean isPublished(String path) {
        return FileKinds.isAllowed(path) && Stream.of(path.split("/")).noneMatch(part -> part.startsWith("."));
    }
}
