package io.stencil.hub.upload;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.HubException;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.files.Sha256;
import io.stencil.hub.http.HttpStatusException;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.http.HubRequest;
import io.stencil.hub.http.HubRequest.Subject;
import io.stencil.hub.provider.Repository;
import io.stencil.hub.upload.UploadPlan.LocalFile;
import io.stencil.json.Json;
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

/// Uploads one large file in numbered parts, each to its own address, and completes it with their ETags. Parts of an
/// earlier run are not sent again.
record MultipartUpload(Repository repository, HubHttp http, Records unfinished) {

    /// @param upload action of the hub
    void send(LocalFile file, JsonNode upload) {
        Parts requested = Parts.of(upload, repository, file);
        Optional<Parts> earlier = unfinished.find(repository, file).filter(parts -> parts.cover(file));
        if (earlier.isEmpty() || !resumes(file, earlier.get())) {
            send(file, requested);
        }
        unfinished.delete(repository, file);
    }

    /// Resumes an earlier run.
    ///
    /// @return false when the hub no longer accepts its addresses
    private boolean resumes(LocalFile file, Parts earlier) {
        try {
            send(file, earlier);
            return true;
        } catch (HubException e) {
            if (HttpStatusException.isIn(e)) {
                return false; // expired addresses: those of the new action are valid
            }
            throw e; // the uploaded parts remain valid for a later run
        }
    }

    private void send(LocalFile file, Parts known) {
        Subject subject = repository.subject(file.path());
        Parts parts = known;
        for (Map.Entry<Integer, URI> part : known.addresses().entrySet()) {
            if (!known.etags().containsKey(part.getKey())) {
                parts = parts.with(part.getKey(), put(file, part, known.partBytes()));
                recordUploaded(file, parts);
            }
        }
        ObjectNode completion = Json.MAPPER.createObjectNode().put("oid", file.sha256());
        ArrayNode list = completion.putArray("parts");
        parts.etags()
                .forEach((number, etag) ->
                        list.addObject().put("partNumber", number).put("etag", etag));
        http.send(
                HubRequest.post(parts.completion(), LfsUpload.LFS_JSON, completion.toString(), subject)
                        .with("Accept", LfsUpload.LFS_JSON),
                response -> response.status());
    }

    private String put(LocalFile file, Map.Entry<Integer, URI> part, long partBytes) {
        Subject subject = repository.subject(file.path());
        long begin = (part.getKey() - 1) * partBytes;
        long bytes = Math.min(partBytes, file.size() - begin);
        HubRequest request = HubRequest.put(
                part.getValue(), () -> LfsUpload.FileSlice.publisher(file.file(), begin, bytes), subject);
        String etag = http.send(
                request, response -> response.headers().firstValue("ETag").orElse(""));
        if (etag.isEmpty()) {
            throw subject.fault("the hub gives no ETag for part %s".formatted(part.getKey()));
        }
        return etag;
    }

    /// Addresses with the token in them are not written.
    private void recordUploaded(LocalFile file, Parts parts) {
        if (!http.containsToken(parts.toString())) {
            unfinished.write(repository, file, parts);
        }
    }

    /// Parts of one large file, by their numbers from 1.
    ///
    /// @param completion address of the last request
    /// @param etags of the uploaded parts
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Parts(URI completion, long partBytes, Map<Integer, URI> addresses, Map<Integer, String> etags) {

        Parts {
            addresses = new TreeMap<>(addresses);
            etags = new TreeMap<>(etags);
        }

        /// Parses the hub's action, whose `header` has the size of a part and the parts' addresses.
        ///
        /// @throws HubException when they do not cover the file
        static Parts of(JsonNode upload, Repository repository, LocalFile file) {
            Subject subject = repository.subject(file.path());
            JsonNode header = upload.path("header");
            long partBytes = header.path("chunk_size").asLong();
            if (partBytes <= 0) {
                throw subject.fault("the hub requires parts of no size");
            }
            Map<Integer, URI> addresses = new TreeMap<>();
            header.properties().forEach(field -> {
                if (field.getKey().matches("\\d{1,9}")) {
                    addresses.put(
                            Integer.parseInt(field.getKey()),
                            HubHttp.address(repository.site(), field.getValue().asText(), subject));
                }
            });
            URI completion =
                    HubHttp.address(repository.site(), upload.path("href").asText(), subject);
            Parts parts = new Parts(completion, partBytes, addresses, Map.of());
            if (!parts.cover(file)) {
                throw subject.fault("the hub requires %s parts of %s bytes, the file has %s bytes"
                        .formatted(addresses.size(), partBytes, file.size()));
            }
            return parts;
        }

        boolean cover(LocalFile file) {
            long count = partBytes <= 0 ? -1 : Math.ceilDiv(file.size(), partBytes);
            return addresses.size() == count
                    && addresses.keySet().stream().allMatch(number -> number >= 1 && number <= count)
                    && addresses.keySet().containsAll(etags.keySet());
        }

        Parts with(int number, String etag) {
            Map<Integer, String> more = new TreeMap<>(etags);
            more.put(number, etag);
            return new Parts(completion, partBytes, addresses, more);
        }
    }

    /// Records the uploaded parts of large files, so that a later run resumes a broken upload.
    ///
    /// A record holds addresses that the hub signed for this one content, which expire soon, and never a token.
    ///
    /// @param folder readable by its user alone, with one record for each unfinished file
    record Records(Path folder) {

        Optional<Parts> find(Repository repository, LocalFile file) {
            Path record = recordFile(repository, file);
            if (!Files.isRegularFile(record)) {
                return Optional.empty();
            }
            try {
                return Optional.of(Json.MAPPER.treeToValue(JsonFile.read(record), Parts.class));
            } catch (InvalidFileException | JsonProcessingException e) {
                return Optional.empty(); // without a readable record the file is uploaded from its start
            }
        }

        void write(Repository repository, LocalFile file, Parts parts) {
            ObjectNode json = Json.MAPPER.valueToTree(parts);
            json.put("repository", repository.toString()).put("file", file.path());
            Path record = recordFile(repository, file);
            try {
                createFolder();
                AtomicFile.writeText(record, json + "\n");
            } catch (IOException e) {
                throw new InvalidFileException(Location.of(record), "cannot be written: " + e, e);
            }
        }

        void delete(Repository repository, LocalFile file) {
            Path record = recordFile(repository, file);
            try {
                Files.deleteIfExists(record);
            } catch (IOException e) {
                throw new InvalidFileException(Location.of(record), "cannot be removed: " + e, e);
            }
        }

        private void createFolder() throws IOException {
            Files.createDirectories(folder);
            if (FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) {
                Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
            }
        }

        private Path recordFile(Repository repository, LocalFile file) {
            String key = repository + "\n" + file.sha256();
            return folder.resolve(
                    Sha256.of(key.getBytes(StandardCharsets.UTF_8)).substring(0, 32) + ".json");
        }
    }
}
