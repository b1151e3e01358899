package io.stencil.hub.trust;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.hub.download.Snapshot;
import io.stencil.json.Json;
import io.stencil.json.JsonFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/// Stores trusted code: one record for each file of a repository's revision, with its SHA-256.
public record TrustStore(Path folder) {

    /// Finds the SHA-256 of the trusted code.
    ///
    /// @param file inside the repository
    /// @throws InvalidFileException when the record is damaged
    Optional<String> trusted(Snapshot snapshot, String file) {
        Path entry = entry(snapshot, file);
        if (!Files.exists(entry)) {
            return Optional.empty();
        }
        String hash = JsonFile.read(entry).path("sha256").asText();
        if (!hash.matches("[0-9a-f]{64}")) {
            throw new InvalidFileException(entry, "holds no SHA-256; remove it to be asked again");
        }
        return Optional.of(hash);
    }

    void trust(Snapshot snapshot, String file, String sha256) {
        ObjectNode json = Json.MAPPER.createObjectNode();
        json.put("repository", snapshot.repository().toString());
        json.put("revision", snapshot.revision());
        json.put("file", file);
        json.put("sha256", sha256);
        json.put("trusted_at", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        Path entry = entry(snapshot, file);
        try {
            AtomicFile.writeText(entry, json + "\n");
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(entry), "cannot be written: " + e, e);
        }
    }

    /// Resolves a readable name, of characters that every system accepts.
    private Path entry(Snapshot snapshot, String file) {
        String site = snapshot.repository().site().getAuthority();
        String revision = snapshot.revision().replace("/", "%2F");
        return folder.resolve("trusted")
                .resolve(site.replace(':', '_'))
                .resolve(snapshot.repository().id().owner())
                .resolve(snapshot.repository().id().name())
                .resolve("%s@%s.json".formatted(file.replace("/", "%2F"), revision));
    }
}
