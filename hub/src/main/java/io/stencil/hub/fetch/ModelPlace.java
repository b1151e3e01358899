package io.stencil.hub.fetch;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.FetchedFolder;
import io.stencil.hub.protocol.Checksum;
import io.stencil.hub.protocol.RemoteFile;
import io.stencil.hub.protocol.Repository;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// Where a repository lies on the disk: its files under their own names, and beside them a hidden folder with what is
/// on
/// its way, the last listing, and which files were found right.
///
/// @param folder of the repository
record ModelPlace(Path folder) {

    /// `BASE/OWNER/NAME`, with `@REVISION` for another than the default one: as the Python framework lays models out.
    static ModelPlace of(Path base, Repository repository, String revision) {
        boolean usual = revision.equals(repository.hub().defaultRevision());
        String name = repository.id().name() + (usual ? "" : "@" + revision.replace("/", "%2F"));
        return new ModelPlace(base.resolve(repository.id().owner()).resolve(name));
    }

    /// @param path that [SafeNames] accepts
    Path file(String path) {
        return folder.resolve(path);
    }

    /// A file's temporary content. Content without a checksum is that of one commit and goes on for no other.
    Path partial(RemoteFile file, @Nullable String commit) {
        String version = file.checksum() instanceof Checksum.None ? "@" + commit : "";
        return hidden(
                "partial",
                file.path(),
                "." + key(file.checksum().text() + file.size() + version).substring(0, 12) + ".part");
    }

    /// Where a file from elsewhere on this machine is brought before it is checked; [#removePartials] removes it too.
    Path adopted(String path) {
        return hidden("partial", path, "." + UUID.randomUUID() + ".adopted");
    }

    /// Removes what is left of broken downloads of this file, also of other content that it had then.
    void removePartials(String path) throws IOException {
        Path partials = hidden("partial");
        if (Files.isDirectory(partials)) {
            try (DirectoryStream<Path> left = Files.newDirectoryStream(partials, key(path) + ".*")) {
                for (Path one : left) {
                    Files.deleteIfExists(one);
                }
            }
        }
    }

    Path lock(String path) {
        return hidden("locks", path, ".lock");
    }

    /// A folder of what is kept beside the files.
    Path hidden(String kind) {
        return folder.resolve(FetchedFolder.PRIVATE).resolve(kind);
    }

    Path hidden(String kind, String path, String suffix) {
        return hidden(kind).resolve(key(path) + suffix);
    }

    private static String key(String text) {
        byte[] digest = new Checksum.Sha256("").digest(0).digest(text.getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().formatHex(digest).substring(0, 32);
    }

    /// Refuses to write through a link that someone put inside the folder. The folder itself may be one: users put
    /// models on other disks.
    void requireNoLinks(Repository repository, String path) {
        Path place = folder;
        Path inside = Path.of(path);
        for (int i = 0; i < inside.getNameCount() - 1; i++) {
            place = place.resolve(inside.getName(i));
            if (Files.isSymbolicLink(place)) {
                throw repository
                        .subject(path)
                        .fault("would be written through the link %s; remove it".formatted(place));
            }
        }
    }

    static InvalidFileException unreadable(Path file, IOException e) {
        return new InvalidFileException(Location.of(file), "cannot be read: " + e, e);
    }
}
