package io.stencil.hub.download;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.StencilException;
import io.stencil.files.AtomicFile;
import io.stencil.files.FetchedFolder;
import io.stencil.files.Sha256;
import io.stencil.hub.provider.HubKind;
import io.stencil.hub.provider.Listing;
import io.stencil.hub.provider.Listing.Checksum;
import io.stencil.hub.provider.Listing.RemoteFile;
import io.stencil.hub.provider.Repository;
import io.stencil.json.Json;
import io.stencil.json.JsonFile;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Local folder of a repository: its files under their own names, and beside them a hidden folder with partial files,
/// locks, the last listing, and one record for each verified file.
record ModelFolder(Path path) {

    private static final String RECORDS = "checked";
    private static final String PARTIALS = "partial";

    /// Resolves `BASE/OWNER/NAME`, with `@REVISION` for other than the default one: the layout of the Python
    /// framework.
    static ModelFolder of(Path base, Repository repository, String revision) {
        boolean isDefault = revision.equals(repository.hub().defaultRevision());
        String name = repository.id().name() + (isDefault ? "" : "@" + revision.replace("/", "%2F"));
        return new ModelFolder(base.resolve(repository.id().owner()).resolve(name));
    }

    /// @param name that [FileNames] accepts
    Path file(String name) {
        return path.resolve(name);
    }

    /// Resolves a file's partial content. Content without a checksum belongs to one commit and is resumed for no
    /// other.
    Path partial(RemoteFile file, @Nullable String commit) {
        String version = file.checksum() instanceof Checksum.None ? "@" + commit : "";
        return hidden(
                PARTIALS,
                file.path(),
                "." + key(file.checksum().text() + file.size() + version).substring(0, 12) + ".part");
    }

    /// Resolves a temporary file for a copy from elsewhere on this machine; [#removePartials] removes it too.
    Path adopted(String name) {
        return hidden(PARTIALS, name, "." + UUID.randomUUID() + ".adopted");
    }

    /// Removes what broken downloads of this file left, also of other content that it had then.
    void removePartials(String name) throws IOException {
        Path partials = hidden(PARTIALS);
        if (Files.isDirectory(partials)) {
            try (DirectoryStream<Path> leftovers = Files.newDirectoryStream(partials, key(name) + ".*")) {
                for (Path leftover : leftovers) {
                    Files.deleteIfExists(leftover);
                }
            }
        }
    }

    Path lockFile(String name) {
        return hidden("locks", name, ".lock");
    }

    private Path hidden(String kind) {
        return path.resolve(FetchedFolder.PRIVATE).resolve(kind);
    }

    private Path hidden(String kind, String name, String suffix) {
        return hidden(kind).resolve(key(name) + suffix);
    }

    private static String key(String text) {
        return Sha256.of(text.getBytes(StandardCharsets.UTF_8)).substring(0, 32);
    }

    /// Refuses to write through a link inside the folder. The folder itself may be one: users put models on other
    /// disks.
    void requireNoLinks(Repository repository, String name) {
        Path place = path;
        Path inside = Path.of(name);
        for (int i = 0; i < inside.getNameCount() - 1; i++) {
            place = place.resolve(inside.getName(i));
            if (Files.isSymbolicLink(place)) {
                throw repository
                        .subject(name)
                        .fault("would be written through the link %s; remove it".formatted(place));
            }
        }
    }

    static InvalidFileException unreadable(Path file, IOException e) {
        return new InvalidFileException(Location.of(file), "cannot be read: " + e, e);
    }

    /// Listing stored in a folder, for offline use and as the origin of its files.
    record StoredListing(Repository repository, Listing listing) {

        /// Creates the record of a folder that another tool filled: the origin of its files, which are third-party,
        /// and not their content.
        static StoredListing ofUnknown(Repository repository, String revision) {
            return new StoredListing(repository, new Listing(revision, null, List.of()));
        }

        boolean isOfUnknown() {
            return listing.files().isEmpty();
        }
    }

    void store(StoredListing stored) {
        Repository repository = stored.repository();
        Listing listing = stored.listing();
        ObjectNode json = Json.MAPPER
                .createObjectNode()
                .put("hub", repository.hub().option())
                .put("site", repository.site().toString())
                .put("repository", repository.id().toString())
                .put("revision", listing.revision())
                .put("commit", listing.commit());
        ArrayNode files = json.putArray("files");
        for (RemoteFile file : listing.files()) {
            files.addObject()
                    .put("path", file.path())
                    .put("size", file.size())
                    .put("checksum", file.checksum().text())
                    .put("plain", file.isPlain());
        }
        Path target = FetchedFolder.record(path);
        try {
            AtomicFile.writeText(target, json + "\n");
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(target), "cannot be written: " + e, e);
        }
    }

    /// @throws InvalidFileException when the stored listing names no repository
    Optional<StoredListing> stored() {
        Path file = FetchedFolder.record(path);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        JsonNode json = JsonFile.read(file);
        List<RemoteFile> files = new ArrayList<>();
        for (JsonNode entry : json.path("files")) {
            files.add(new RemoteFile(
                    entry.path("path").asText(),
                    entry.path("size").asLong(-1),
                    Checksum.parse(entry.path("checksum").asText()),
                    entry.path("plain").asBoolean()));
        }
        try {
            Repository repository = new Repository(
                    HubKind.parse("hub", json.path("hub").asText()),
                    URI.create(json.path("site").asText()),
                    Repository.Id.parse("repository", json.path("repository").asText()));
            String commit = Listing.commitName(json.path("commit").textValue());
            return Optional.of(new StoredListing(
                    repository, new Listing(json.path("revision").asText(), commit, files)));
        } catch (StencilException | IllegalArgumentException e) {
            throw new InvalidFileException(
                    Location.of(file), "does not name the repository that was fetched; fetch it again", e);
        }
    }

    /// Lists the files of a folder that another tool filled.
    Listing scan(String revision) {
        List<RemoteFile> files = new ArrayList<>();
        try {
            Map<String, Path> content = Files.isDirectory(path) ? FileNames.in(path) : Map.of();
            for (Map.Entry<String, Path> file : content.entrySet()) {
                if (!file.getKey().startsWith(".")) {
                    files.add(new RemoteFile(file.getKey(), Files.size(file.getValue()), new Checksum.None(), true));
                }
            }
        } catch (IOException e) {
            throw unreadable(path, e);
        }
        return new Listing(revision, null, files);
    }

    /// Returns whether the file was verified before and is unchanged since.
    ///
    /// A file without a checksum is verified only for the commit that it came with: another revision's may have its
    /// size. Where the hub names no commit either, each new listing forgets such files, see [#removeObsolete].
    ///
    /// @param commit of the revision; null where the hub names none
    boolean isVerified(RemoteFile file, @Nullable String commit) {
        Path target = file(file.path());
        Path record = hidden(RECORDS, file.path(), ".json");
        try {
            if (!Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS) || !Files.exists(record)) {
                return false;
            }
            JsonNode json = JsonFile.read(record);
            boolean isSameVersion = !(file.checksum() instanceof Checksum.None)
                    || Objects.equals(commit, json.path("commit").textValue());
            return isSameVersion
                    && json.path("size").asLong(-1) == file.size()
                    && hasChecksum(json, file.checksum())
                    && isUntouched(target, json);
        } catch (InvalidFileException e) {
            return false; // without a readable record the file is verified again
        } catch (IOException e) {
            throw unreadable(target, e);
        }
    }

    private static boolean hasChecksum(JsonNode record, Checksum checksum) {
        return record.path("checksum").asText().equals(checksum.text());
    }

    private static boolean isUntouched(Path target, JsonNode record) throws IOException {
        return Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS)
                && Files.size(target) == record.path("size").asLong(-1)
                && Files.getLastModifiedTime(target).toMillis()
                        == record.path("modified").asLong();
    }

    /// Records that the file as it is now has been verified.
    void recordVerified(RemoteFile file, @Nullable String commit) throws IOException {
        ObjectNode json = Json.MAPPER
                .createObjectNode()
                .put("path", file.path())
                .put("size", file.size())
                .put("checksum", file.checksum().text())
                .put("commit", commit)
                .put("modified", Files.getLastModifiedTime(file(file.path())).toMillis());
        AtomicFile.writeText(hidden(RECORDS, file.path(), ".json"), json + "\n");
    }

    /// Removes files of an older revision that a listing no longer has, so that revisions are not mixed.
    ///
    /// @return such files that were changed locally, and are left to their owner
    List<Path> removeObsolete(Repository repository, Listing listing) throws IOException {
        Path records = hidden(RECORDS);
        if (!Files.isDirectory(records)) {
            return List.of();
        }
        Set<String> listed = listing.files().stream().map(RemoteFile::path).collect(Collectors.toSet());
        List<Path> changed = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(records, "*.json")) {
            for (Path record : all) {
                JsonNode json = readRecord(record);
                String name = json.path("path").asText();
                if (FileNames.isSafe(name) && FileNames.isWritable(name) && !listed.contains(name)) {
                    requireNoLinks(repository, name);
                    Path target = file(name);
                    if (isUntouched(target, json)) {
                        Files.delete(target);
                        removeEmptyFolders(target.getParent());
                    } else if (Files.exists(target)) {
                        changed.add(target);
                        continue;
                    }
                    Files.delete(record);
                } else if (listing.commit() == null && hasChecksum(json, new Checksum.None())) {
                    Files.delete(record);
                }
            }
        }
        return changed;
    }

    private static JsonNode readRecord(Path record) {
        try {
            return JsonFile.read(record);
        } catch (InvalidFileException e) {
            return Json.MAPPER.createObjectNode(); // as in isVerified: a record without content
        }
    }

    private void removeEmptyFolders(@Nullable Path from) throws IOException {
        try {
            for (Path folder = from; folder != null && !folder.equals(path); folder = folder.getParent()) {
                Files.delete(folder);
            }
        } catch (DirectoryNotEmptyException e) {
            return; // the first that is not empty stays, and so do its parents
        }
    }
}
