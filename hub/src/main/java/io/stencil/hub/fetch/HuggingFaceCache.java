package io.stencil.hub.fetch;

import io.stencil.files.FetchedFolder;
import io.stencil.hub.protocol.Checksum;
import io.stencil.hub.protocol.HubKind;
import io.stencil.hub.protocol.Listing;
import io.stencil.hub.protocol.RemoteFile;
import io.stencil.hub.protocol.Repository;
import io.stencil.hub.protocol.RepositoryId;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// What Hugging Face's own tools keep on the disk: `models--OWNER--NAME/blobs/HASH`, and `snapshots/COMMIT` of links to
/// them, or of files where the system has no links. It is read, never written.
///
/// @param root `HF_HUB_CACHE`, or where it would be by default
public record HuggingFaceCache(Path root) {

    private static final String COMMIT = "[0-9a-f]{40}";

    /// As what a folder of the cache was fetched; empty where its name tells no repository.
    ///
    /// @param root `models--OWNER--NAME`
    /// @param inside it, or a link to what is
    static Optional<Snapshot> snapshot(Path root, Path inside) throws IOException {
        String[] name = String.valueOf(root.getFileName()).split("--", 3);
        if (name.length < 3 || !RepositoryId.matches(name[1] + "/" + name[2])) {
            return Optional.empty();
        }
        Repository repository =
                new Repository(HubKind.HUGGING_FACE, HubKind.HUGGING_FACE.site(), new RepositoryId(name[1], name[2]));
        Path snapshots = root.resolve("snapshots");
        for (Path place : FetchedFolder.places(inside)) {
            if (place.startsWith(snapshots) && place.getNameCount() > snapshots.getNameCount()) {
                Path commit = place.getName(snapshots.getNameCount());
                return Optional.of(new Snapshot(
                        repository,
                        commit.toString(),
                        Listing.commitName(commit.toString()),
                        snapshots.resolve(commit),
                        List.of()));
            }
        }
        return Optional.of(new Snapshot(repository, HubKind.HUGGING_FACE.defaultRevision(), null, root, List.of()));
    }

    private Path folder(Repository repository) {
        return root.resolve("models--%s--%s"
                .formatted(repository.id().owner(), repository.id().name()));
    }

    /// The content of a file, not yet checked. It is that of any hub where the hub tells its SHA-256: the same content
    /// is the same file.
    private Optional<Path> blob(Repository repository, RemoteFile file) throws IOException {
        Optional<String> name = switch (file.checksum()) {
            case Checksum.Sha256(String hex) -> Optional.of(hex);
            case Checksum.GitBlob(String hex) -> Optional.of(hex);
            case Checksum.None _ -> Optional.empty();
        };
        if (name.isEmpty() || !name.get().matches("[0-9a-f]+")) {
            return Optional.empty();
        }
        Path blob = folder(repository).resolve("blobs").resolve(name.get());
        return Files.isRegularFile(blob) && Files.size(blob) == file.size() ? Optional.of(blob) : Optional.empty();
    }

    /// A file of the revision itself, not yet checked: where the system has no links, the tools put files there.
    private Optional<Path> plain(Repository repository, RemoteFile file, @Nullable String commit) throws IOException {
        if (commit == null || repository.hub() != HubKind.HUGGING_FACE) {
            return Optional.empty();
        }
        Path plain = folder(repository).resolve("snapshots").resolve(commit).resolve(file.path());
        return Files.isRegularFile(plain) && Files.size(plain) == file.size() ? Optional.of(plain) : Optional.empty();
    }

    private Optional<Path> content(Repository repository, RemoteFile file, @Nullable String commit) throws IOException {
        Optional<Path> blob = blob(repository, file);
        return blob.isPresent() ? blob : plain(repository, file, commit);
    }

    /// Whether a file of this name and size is here.
    ///
    /// @param commit that is meant; null where it is not known
    boolean has(Repository repository, RemoteFile file, @Nullable String commit) throws IOException {
        return content(repository, file, commit).isPresent();
    }

    /// Puts a file in place that is here and right: as a second name of the same content, or where the system has none
    /// across disks, as a copy.
    ///
    /// @param commit that is meant; null where it is not known
    /// @return whether it was here
    boolean adopt(Repository repository, RemoteFile file, @Nullable String commit, ModelPlace place)
            throws IOException {
        Optional<Path> content = content(repository, file, commit);
        if (content.isEmpty()) {
            return false;
        }
        Path target = place.file(file.path());
        Path temporary = place.adopted(file.path());
        Files.createDirectories(target.toAbsolutePath().getParent());
        Files.createDirectories(temporary.toAbsolutePath().getParent());
        try {
            link(content.get().toRealPath(), temporary);
            if (!ContentHash.matches(temporary, file.size(), file.checksum())) {
                return false;
            }
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            return true;
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private static void link(Path blob, Path temporary) throws IOException {
        try {
            Files.createLink(temporary, blob);
        } catch (UnsupportedOperationException | IOException e) {
            Files.copy(blob, temporary);
        }
    }

    /// The files of a revision that are here, as a listing.
    Optional<Listing> listing(Repository repository, String revision) throws IOException {
        if (repository.hub() != HubKind.HUGGING_FACE) {
            return Optional.empty();
        }
        Path ref = folder(repository).resolve("refs").resolve(revision);
        String commit = Files.isRegularFile(ref) ? Files.readString(ref).strip() : revision;
        Path snapshot = folder(repository).resolve("snapshots").resolve(commit);
        if (!commit.matches(COMMIT) || !Files.isDirectory(snapshot)) {
            return Optional.empty();
        }
        List<RemoteFile> files = new ArrayList<>();
        try (Stream<Path> content = Files.walk(snapshot)) {
            for (Path file : content.filter(Files::isRegularFile).toList()) {
                String name = file.toRealPath().getFileName().toString();
                Checksum checksum = name.matches("[0-9a-f]{64}")
                        ? new Checksum.Sha256(name)
                        : name.matches(COMMIT) ? new Checksum.GitBlob(name) : new Checksum.None();
                String path = snapshot.relativize(file).toString().replace(File.separatorChar, '/');
                files.add(new RemoteFile(path, Files.size(file), checksum, true));
            }
        }
        return Optional.of(new Listing(revision, commit, files));
    }
}
