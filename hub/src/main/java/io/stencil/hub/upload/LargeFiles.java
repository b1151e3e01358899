package io.stencil.hub.upload;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.hub.http.HubCall;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.http.Subject;
import io.stencil.hub.protocol.ModelScopeProtocol;
import io.stencil.hub.protocol.Repository;
import java.net.URI;
import java.net.http.HttpRequest.BodyPublisher;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;

/// Git LFS: asks in batches which objects the hub lacks, and sends those. An upload that was broken off goes on with
/// the
/// first file that is not there, and where the hub wants it in parts, with its first part that is not.
///
/// @param contentType of the batch
record LargeFiles(
        Repository repository,
        HubHttp http,
        String contentType,
        UploadListener listener,
        UnfinishedUploads unfinished) {

    static final String LFS_JSON = "application/vnd.git-lfs+json";

    /// Objects of one batch, as Hugging Face's own client asks.
    private static final int ASKED_AT_ONCE = 100;

    /// Headers that the client makes itself.
    private static final Set<String> OWN_HEADERS =
            Set.of("host", "content-length", "connection", "transfer-encoding", "expect", "upgrade");

    /// @param batch JSON object to which the objects are added
    /// @param files by SHA-256
    /// @param objects finds the list of objects in the answer
    void send(URI address, ObjectNode batch, Map<String, LocalFile> files, ObjectList objects) {
        List<LocalFile> all = List.copyOf(files.values());
        for (int begin = 0; begin < all.size(); begin += ASKED_AT_ONCE) {
            sendBatch(
                    address,
                    batch.deepCopy(),
                    all.subList(begin, Math.min(all.size(), begin + ASKED_AT_ONCE)),
                    objects);
        }
    }

    private void sendBatch(URI address, ObjectNode batch, List<LocalFile> files, ObjectList objects) {
        ArrayNode wanted = batch.putArray("objects");
        files.forEach(file -> wanted.addObject().put("oid", file.sha256()).put("size", file.size()));
        HubCall call = HubCall.post(address, contentType, batch.toString(), repository.subject())
                .with("Accept", contentType);
        Map<String, LocalFile> remaining = new TreeMap<>();
        files.forEach(file -> remaining.put(file.sha256(), file));
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
            new MultipartUpload(repository, http, unfinished).send(file, upload);
        } else {
            put(upload, () -> FileSlice.publisher(file.file(), 0, file.size()), subject);
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

    private void put(JsonNode action, Supplier<BodyPublisher> body, Subject subject) {
        HubCall call = headers(HubCall.put(address(action, subject), body, subject), action);
        String answer = http.send(call, got -> new String(got.body().readNBytes(1 << 16), StandardCharsets.UTF_8));
        requireKept(answer, subject);
    }

    /// ModelScope's storage tells of a failure under a good status; others' say nothing, or nothing of this form.
    private void requireKept(String answer, Subject subject) {
        try {
            JsonNode json = Publication.JSON.readTree(answer);
            if (json != null && ModelScopeProtocol.isWrapped(json)) {
                ModelScopeProtocol.data(json, subject, http);
            }
        } catch (JsonProcessingException e) {
            return; // no JSON, and so no failure told in JSON
        }
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
        return HubHttp.address(repository.site(), action.path("href").asText(), subject);
    }
}
