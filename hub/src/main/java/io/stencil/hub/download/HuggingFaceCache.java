package io.stencil.hub.download;

import io.stencil.files.FetchedFolder;
import io.stencil.hub.provider.HubKind;
import io.stencil.hub.provider.Listing;
import io.stencil.hub.provider.Listing.Checksum;
import io.stencil.hub.provider.Listing.RemoteFile;
import io.stencil.hub.provider.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Cache of Hugging Face's own tools: `models--OWNER--NAME/blobs/HASH`, and `snapshots/COMMIT` of links to them, or
/// of files where the system has no links. It is read, never written.
record HuggingFaceCache(Path root) {

    private static final String COMMIT = "[0-9a-f]{40}";

    /// Finds the snapshot of a folder in the cache; empty where its name is not that of a repository.
    ///
    /// @param root `models--OWNER--NAME`
    /// @param inside folder in it, or a link to one
    static Optional<Snapshot> snapshot(Path root, Path inside) throws IOException {
        String[] name = String.valueOf(root.getFileName()).split("--", 3);
        if (name.length < 3 || !Repository.Id.matches(name[1] + "/" + name[2])) {
            return Optional.empty();
        }
        Repository repository =
                new Repository(HubKind.HUGGING_FACE, HubKind.HUGGING_FACE.site(), new Repository.Id(name[1], name[2]));
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

    /// Finds the content of a file by its hash, not yet verified. With a SHA-256 it serves for any hub.
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

    /// Finds a file of a snapshot, not yet verified: where the system has no links, the tools put files there.
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

    /// @param commit null where it is not known
    boolean has(Repository repository, RemoteFile file, @Nullable String commit) throws IOException {
        return content(repository, file, commit).isPresent();
    }

    /// Verifies a cached file and puts it into place as a hard link, or across disks as a copy.
    ///
    /// @param commit null where it is not known
    /// @return whether the cache has the file
    boolean adopt(Repository repository, RemoteFile file, @Nullable String commit, ModelFolder folder)
            throws IOException {
        Optional<Path> content = content(repository, file, commit);
        if (content.isEmpty()) {
            return false;
        }
        Path target = folder.file(file.path());
        Path temporary = folder.adopted(file.path());
        Files.createDirectories(target.toAbsolutePath().getParent());
        Files.createDirectories(temporary.toAbsolutePath().getParent());
        try {
            link(content.get().toRealPath(), temporary);
            if (!file.isContentOf(temporary)) {
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

    /// Lists the cached files of a revision.
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
        for (Map.Entry<String, Path> file : FileNames.in(snapshot).entrySet()) {
            String name = file.getValue().toRealPath().getFileName().toString();
            Checksum checksum = name.matches("[0-9a-f]{64}")
                    ? new Checksum.Sha256(name)
                    : name.matches(COMMIT) ? new Checksum.GitBlob(name) : new Checksum.None();
            files.add(new RemoteFile(file.getKey(), Files.size(file.getValue()), checksum, true));
        }
        return Optional.of(new Listing(revision, commit, files));
    }
}
