package io.stencil.hub.fetch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.hub.protocol.Checksum;
import io.stencil.hub.protocol.Listing;
import io.stencil.hub.protocol.RemoteFile;
import io.stencil.hub.protocol.Repository;
import io.stencil.json.JsonFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/// Where a repository lies on the disk: its files under their own names, and beside them a hidden folder with what is
/// on
/// its way, the last listing, and which files were found right.
///
/// @param folder of the repository
record ModelPlace(Path folder) {

    static final String PRIVATE = ".stencil";
    private static final JsonMapper MAPPER = new JsonMapper();

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

    /// A file's temporary content.
    Path partial(RemoteFile file) {
        return hidden(
                "partial",
                file.path(),
                "." + key(file.checksum().text() + file.size()).substring(0, 12) + ".part");
    }

    /// Removes what is left of broken downloads of this file, also of other content that it had then.
    void removePartials(String path) throws IOException {
        Path partials = folder.resolve(PRIVATE).resolve("partial");
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

    private Path hidden(String kind, String path, String suffix) {
        return folder.resolve(PRIVATE).resolve(kind).resolve(key(path) + suffix);
    }

    private static String key(String text) {
        byte[] digest = new Checksum.Sha256("").digest(0).digest(text.getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().formatHex(digest).substring(0, 32);
    }

    /// Refuses to write through a link that someone put inside the folder.
    void requireNoLinks(Repository repository, String path) {
        Path place = folder;
        for (Path part : Path.of(path)) {
            if (Files.isSymbolicLink(place)) {
                throw repository
                        .subject(path)
                        .fault("would be written through the link %s; remove it".formatted(place));
            }
            place = place.resolve(part);
        }
    }

    /// Whether the file was found right before and was not touched since.
    boolean isKnown(RemoteFile file) {
        Path target = file(file.path());
        Path record = hidden("checked", file.path(), ".json");
        try {
            if (!Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS) || !Files.exists(record)) {
                return false;
            }
            JsonNode json = JsonFile.read(record);
            return Files.size(target) == file.size()
                    && json.path("size").asLong(-1) == file.size()
                    && json.path("checksum").asText().equals(file.checksum().text())
                    && json.path("modified").asLong()
                            == Files.getLastModifiedTime(target).toMillis();
        } catch (InvalidFileException e) {
            return false; // an unreadable record is none: the file is looked at again
        } catch (IOException e) {
            throw unreadable(target, e);
        }
    }

    /// Remembers that the file is right as it lies there now.
    void remember(RemoteFile file) throws IOException {
        ObjectNode json = MAPPER.createObjectNode();
        json.put("path", file.path());
        json.put("size", file.size());
        json.put("checksum", file.checksum().text());
        json.put("modified", Files.getLastModifiedTime(file(file.path())).toMillis());
        AtomicFile.writeText(hidden("checked", file.path(), ".json"), json + "\n");
    }

    private Path listingFile() {
        return folder.resolve(PRIVATE).resolve("listing.json");
    }

    /// Keeps a listing for when the hub cannot be asked.
    void keep(Repository repository, Listing listing) {
        ObjectNode json = MAPPER.createObjectNode();
        json.put("site", repository.site().toString());
        json.put("revision", listing.revision());
        json.put("commit", listing.commit());
        ArrayNode files = json.putArray("files");
        for (RemoteFile file : listing.files()) {
            files.addObject()
                    .put("path", file.path())
                    .put("size", file.size())
                    .put("checksum", file.checksum().text())
                    .put("plain", file.plain());
        }
        try {
            AtomicFile.writeText(listingFile(), json + "\n");
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(listingFile()), "cannot be written: " + e, e);
        }
    }

    /// The listing that was kept last.
    Optional<Listing> kept() {
        if (!Files.exists(listingFile())) {
            return Optional.empty();
        }
        JsonNode json = JsonFile.read(listingFile());
        List<RemoteFile> files = new ArrayList<>();
        for (JsonNode file : json.path("files")) {
            files.add(new RemoteFile(
                    file.path("path").asText(),
                    file.path("size").asLong(-1),
                    Checksum.parse(file.path("checksum").asText()),
                    file.path("plain").asBoolean()));
        }
        return Optional.of(
                new Listing(json.path("revision").asText(), json.path("commit").textValue(), files));
    }

    static InvalidFileException unreadable(Path file, IOException e) {
        return new InvalidFileException(Location.of(file), "cannot be read: " + e, e);
    }
}
