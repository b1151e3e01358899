package io.stencil.hub.upload;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.files.Sha256;
import io.stencil.hub.protocol.Repository;
import io.stencil.json.JsonFile;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Remembers which parts of large files are at a hub, so that an upload that was broken off goes on with the others.
///
/// It holds the addresses that the hub signed for this one content, which lose their validity soon, and never a token.
///
/// @param folder for its user alone; one small file for each file that is on its way
record UnfinishedUploads(Path folder) {

    Optional<PartsOfFile> find(Repository repository, LocalFile file) {
        Path memory = memory(repository, file);
        if (!Files.isRegularFile(memory)) {
            return Optional.empty();
        }
        try {
            JsonNode json = JsonFile.read(memory);
            Map<Integer, URI> addresses = new TreeMap<>();
            json.path("addresses")
                    .properties()
                    .forEach(one -> addresses.put(
                            Integer.parseInt(one.getKey()),
                            URI.create(one.getValue().asText())));
            Map<Integer, String> etags = new TreeMap<>();
            json.path("etags")
                    .properties()
                    .forEach(one -> etags.put(
                            Integer.parseInt(one.getKey()), one.getValue().asText()));
            return Optional.of(new PartsOfFile(
                    URI.create(json.path("completion").asText()),
                    json.path("part_bytes").asLong(),
                    addresses,
                    etags));
        } catch (InvalidFileException | IllegalArgumentException e) {
            return Optional.empty(); // what cannot be read is not known: the file is sent from its start
        }
    }

    void remember(Repository repository, LocalFile file, PartsOfFile parts) {
        ObjectNode json = Publication.JSON
                .createObjectNode()
                .put("repository", repository.toString())
                .put("file", file.path())
                .put("completion", parts.completion().toString())
                .put("part_bytes", parts.partBytes());
        ObjectNode addresses = json.putObject("addresses");
        parts.addresses().forEach((number, address) -> addresses.put(number.toString(), address.toString()));
        ObjectNode etags = json.putObject("etags");
        parts.etags().forEach((number, etag) -> etags.put(number.toString(), etag));
        Path memory = memory(repository, file);
        try {
            makeFolder();
            AtomicFile.writeText(memory, json + "\n");
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(memory), "cannot be written: " + e, e);
        }
    }

    void forget(Repository repository, LocalFile file) {
        Path memory = memory(repository, file);
        try {
            Files.deleteIfExists(memory);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(memory), "cannot be removed: " + e, e);
        }
    }

    private void makeFolder() throws IOException {
        Files.createDirectories(folder);
        if (FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
        }
    }

    private Path memory(Repository repository, LocalFile file) {
        String key = repository + "\n" + file.sha256();
        return folder.resolve(Sha256.of(key.getBytes(StandardCharsets.UTF_8)).substring(0, 32) + ".json");
    }
}
