package io.stencil.hub.upload;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.hub.http.HubCall;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.http.Subject;
import io.stencil.hub.protocol.Repository;
import java.net.URI;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Git LFS: asks in a batch which objects the hub lacks, and sends those. An upload that was broken off goes on with
/// the
/// first file that is not there.
///
/// @param contentType of the batch
record LargeFiles(Repository repository, HubHttp http, String contentType, UploadListener listener) {

    /// Headers that the client makes itself.
    private static final Set<String> OWN_HEADERS =
            Set.of("host", "content-length", "connection", "transfer-encoding", "expect", "upgrade");

    private static final String LFS_JSON = "application/vnd.git-lfs+json";

    /// @param batch JSON object to which the objects are added
    /// @param files by SHA-256
    /// @param objects finds the list of objects in the answer
    void send(URI address, ObjectNode batch, Map<String, LocalFile> files, ObjectList objects) {
        ArrayNode wanted = batch.putArray("objects");
        files.values()
                .forEach(file -> wanted.addObject().put("oid", file.sha256()).put("size", file.size()));
        HubCall call = HubCall.post(address, contentType, batch.toString(), repository.subject())
                .with("Accept", contentType);
        Map<String, LocalFile> remaining = new TreeMap<>(files);
        for (JsonNode object : objects.in(http.json(call))) {
            LocalFile file = remaining.remove(object.path("oid").asText());
            if (file != null) {
                send(file, object);
            }
        }
        remaining.values().forEach(file -> listener.onThere(file.path(), file.size(), false));
    }

    /// Where a hub puts the list of objects.
    @FunctionalInterface
    interface ObjectList {
        JsonNode in(JsonNode answer);
    }

    private void send(LocalFile file, JsonNode object) {
        Subject subject = repository.subject(file.path());
        if (object.hasNonNull("error")) {
            throw subject.fault("the hub does not take it: "
                    + http.told(object.path("error").path("message").asText()));
        }
        JsonNode upload = object.path("actions").path("upload");
        if (!upload.isObject()) {
            listener.onThere(file.path(), file.size(), false);
            return;
        }
        listener.onSending(file.path(), file.size());
        if (upload.path("header").has("chunk_size")) {
            sendParts(file, upload, subject);
        } else {
            put(upload, () -> slice(file.file(), 0, file.size()), file.size(), subject);
        }
        JsonNode verify = object.path("actions").path("verify");
        if (verify.isObject()) {
            String body = Publication.JSON
                    .createObjectNode()
                    .put("oid", file.sha256())
                    .put("size", file.size())
                    .toString();
            http.send(
                    headers(HubCall.post(address(verify, subject), LFS_JSON, body, subject), verify),
                    answer -> answer.status());
        }
        listener.onThere(file.path(), file.size(), true);
    }

    private void put(JsonNode action, Supplier<BodyPublisher> body, long bytes, Subject subject) {
        HubCall call = headers(HubCall.put(address(action, subject), body, bytes, subject), action);
        String answer = http.send(call, got -> new String(got.body().readNBytes(1 << 16), StandardCharsets.UTF_8));
        if (answer.contains("\"Success\"") && answer.replace(" ", "").contains("\"Success\":false")) {
            throw subject.fault("the hub does not keep what was sent");
        }
    }

    /// The multipart transfer: numbered addresses, one for each part, and a last request with the parts' etags.
    private void sendParts(LocalFile file, JsonNode upload, Subject subject) {
        JsonNode header = upload.path("header");
        long partBytes = header.path("chunk_size").asLong();
        if (partBytes <= 0) {
            throw subject.fault("the hub asks for parts of no size");
        }
        Map<Integer, URI> addresses = new TreeMap<>();
        header.properties().forEach(field -> {
            if (field.getKey().matches("\\d{1,9}")) {
                addresses.put(
                        Integer.parseInt(field.getKey()), uri(field.getValue().asText(), subject));
            }
        });
        if (addresses.size() != Math.ceilDiv(file.size(), partBytes)) {
            throw subject.fault("the hub asks for %d parts of %d bytes, the file has %d bytes"
                    .formatted(addresses.size(), partBytes, file.size()));
        }
        ObjectNode done = Publication.JSON.createObjectNode().put("oid", file.sha256());
        ArrayNode parts = done.putArray("parts");
        long begin = 0;
        for (Map.Entry<Integer, URI> part : addresses.entrySet()) {
            long bytes = Math.min(partBytes, file.size() - begin);
            long from = begin;
            HubCall call = HubCall.put(part.getValue(), () -> slice(file.file(), from, bytes), bytes, subject);
            String etag = http.send(
                    call, answer -> answer.headers().firstValue("ETag").orElse(""));
            parts.addObject().put("partNumber", part.getKey()).put("etag", etag);
            begin += bytes;
        }
        http.send(
                HubCall.post(address(upload, subject), LFS_JSON, done.toString(), subject)
                        .with("Accept", LFS_JSON),
                answer -> answer.status());
    }

    private static BodyPublisher slice(Path file, long begin, long bytes) {
        return bytes == 0
                ? BodyPublishers.noBody()
                : BodyPublishers.fromPublisher(
                        BodyPublishers.ofInputStream(() -> new FileSlice(file, begin, bytes)), bytes);
    }

    private static HubCall headers(HubCall call, JsonNode action) {
        HubCall signed = call;
        for (Map.Entry<String, JsonNode> header : action.path("header").properties()) {
            if (!OWN_HEADERS.contains(header.getKey().toLowerCase(Locale.ROOT))) {
                signed = signed.with(header.getKey(), header.getValue().asText());
            }
        }
        return signed;
    }

    private URI address(JsonNode action, Subject subject) {
        return uri(action.path("href").asText(), subject);
    }

    private URI uri(@Nullable String text, Subject subject) {
        try {
            URI uri = repository.site().resolve(text == null ? "" : text);
            if (uri.getHost() != null
                    && ("https".equals(uri.getScheme())
                            || uri.getScheme().equals(repository.site().getScheme()))) {
                return uri;
            }
        } catch (IllegalArgumentException e) {
            throw subject.fault("the hub gives no address to send it to", e);
        }
        throw subject.fault("the hub gives no address to send it to");
    }
}
