package io.stencil.hub.fetch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.files.AtomicFile;
import io.stencil.hub.protocol.Checksum;
import io.stencil.hub.protocol.Listing;
import io.stencil.hub.protocol.RemoteFile;
import io.stencil.hub.protocol.Repository;
import io.stencil.json.JsonFile;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Remembers which files of a place were found right, one small record a file: they need not be read again, and it is
/// known which of them a later revision has no more.
///
/// @param commit of the revision that is asked for; null where the hub does not tell
record CheckedFiles(ModelPlace place, @Nullable String commit) {

    private static final String KIND = "checked";
    private static final JsonMapper MAPPER = new JsonMapper();

    /// Whether the file was found right before and was not touched since.
    ///
    /// A file without a checksum is known only where it came with the same commit: another revision's may have its
    /// size. Where the hub tells no commit either, each listing makes such files unknown, see [#removeAllBut].
    boolean isKnown(RemoteFile file) {
        Path target = place.file(file.path());
        Path record = place.hidden(KIND, file.path(), ".json");
        try {
            if (!Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS) || !Files.exists(record)) {
                return false;
            }
            JsonNode json = JsonFile.read(record);
            boolean same = !(file.checksum() instanceof Checksum.None)
                    || Objects.equals(commit, json.path("commit").textValue());
            return same
                    && json.path("size").asLong(-1) == file.size()
                    && isOf(file.checksum(), json)
                    && isUntouched(target, json);
        } catch (InvalidFileException e) {
            return false; // an unreadable record is none: the file is looked at again
        } catch (IOException e) {
            throw ModelPlace.unreadable(target, e);
        }
    }

    private static boolean isOf(Checksum checksum, JsonNode record) {
        return record.path("checksum").asText().equals(checksum.text());
    }

    private static boolean isUntouched(Path target, JsonNode record) throws IOException {
        return Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS)
                && Files.size(target) == record.path("size").asLong(-1)
                && Files.getLastModifiedTime(target).toMillis()
                        == record.path("modified").asLong();
    }

    /// Remembers that the file is right as it lies there now.
    void remember(RemoteFile file) throws IOException {
        ObjectNode json = MAPPER.createObjectNode();
        json.put("path", file.path());
        json.put("size", file.size());
        json.put("checksum", file.checksum().text());
        json.put("commit", commit);
        json.put("modified", Files.getLastModifiedTime(place.file(file.path())).toMillis());
        AtomicFile.writeText(place.hidden(KIND, file.path(), ".json"), json + "\n");
    }

    /// Removes what an older revision brought and this one has no more, so that no file of the one is used with those
    /// of the other.
    ///
    /// @return files of that kind that were changed here, and are left to their owner
    List<Path> removeAllBut(Repository repository, Listing listing) throws IOException {
        Path records = place.hidden(KIND);
        if (!Files.isDirectory(records)) {
            return List.of();
        }
        Set<String> listed = listing.files().stream().map(RemoteFile::path).collect(Collectors.toSet());
        List<Path> changed = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(records, "*.json")) {
            for (Path record : all) {
                JsonNode json = read(record);
                String path = json.path("path").asText();
                if (SafeNames.isSafe(path) && SafeNames.isWritable(path) && !listed.contains(path)) {
                    place.requireNoLinks(repository, path);
                    Path target = place.file(path);
                    if (isUntouched(target, json)) {
                        Files.delete(target);
                        removeEmptyFolders(target.getParent());
                    } else if (Files.exists(target)) {
                        changed.add(target);
                        continue;
                    }
                    Files.delete(record);
                } else if (commit == null && isOf(new Checksum.None(), json)) {
                    Files.delete(record);
                }
            }
        }
        return changed;
    }

    private static JsonNode read(Path record) {
        try {
            return JsonFile.read(record);
        } catch (InvalidFileException e) {
            return MAPPER.createObjectNode(); // as in isKnown: it says nothing
        }
    }

    private void removeEmptyFolders(@Nullable Path from) throws IOException {
        try {
            for (Path folder = from; folder != null && !folder.equals(place.folder()); folder = folder.getParent()) {
                Files.delete(folder);
            }
        } catch (DirectoryNotEmptyException e) {
            // The first that holds something stays, and so do those around it.
            return;
        }
    }
}
