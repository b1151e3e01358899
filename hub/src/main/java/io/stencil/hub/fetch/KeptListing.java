package io.stencil.hub.fetch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.StencilException;
import io.stencil.files.AtomicFile;
import io.stencil.files.FetchedFolder;
import io.stencil.hub.protocol.Checksum;
import io.stencil.hub.protocol.HubKind;
import io.stencil.hub.protocol.Listing;
import io.stencil.hub.protocol.RemoteFile;
import io.stencil.hub.protocol.Repository;
import io.stencil.hub.protocol.RepositoryId;
import io.stencil.json.JsonFile;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The last listing of a repository, kept in its folder for when the hub cannot be asked; it also tells where the
/// folder's files are from.
record KeptListing(Repository repository, Listing listing) {

    private static final JsonMapper MAPPER = new JsonMapper();

    /// For a folder that another tool filled: it tells where the files are from, so that they are taken for others'
    /// work, and nothing of what they must be.
    static KeptListing ofUnknown(Repository repository, String revision) {
        return new KeptListing(repository, new Listing(revision, null, List.of()));
    }

    boolean isOfUnknown() {
        return listing.files().isEmpty();
    }

    /// @param folder of the repository
    void write(Path folder) {
        ObjectNode json = MAPPER.createObjectNode();
        json.put("hub", repository.hub().option());
        json.put("site", repository.site().toString());
        json.put("repository", repository.id().toString());
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
        Path target = FetchedFolder.record(folder);
        try {
            AtomicFile.writeText(target, json + "\n");
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(target), "cannot be written: " + e, e);
        }
    }

    /// @throws InvalidFileException when there is one that does not tell what it must
    static Optional<KeptListing> read(Path folder) {
        Path file = FetchedFolder.record(folder);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        JsonNode json = JsonFile.read(file);
        List<RemoteFile> files = new ArrayList<>();
        for (JsonNode one : json.path("files")) {
            files.add(new RemoteFile(
                    one.path("path").asText(),
                    one.path("size").asLong(-1),
                    Checksum.parse(one.path("checksum").asText()),
                    one.path("plain").asBoolean()));
        }
        try {
            Repository repository = new Repository(
                    HubKind.parse("hub", json.path("hub").asText()),
                    URI.create(json.path("site").asText()),
                    RepositoryId.parse("repository", json.path("repository").asText()));
            String commit = Listing.commitName(json.path("commit").textValue());
            return Optional.of(new KeptListing(
                    repository, new Listing(json.path("revision").asText(), commit, files)));
        } catch (StencilException | IllegalArgumentException e) {
            throw new InvalidFileException(
                    Location.of(file), "does not tell which repository was fetched; fetch it again", e);
        }
    }
}
