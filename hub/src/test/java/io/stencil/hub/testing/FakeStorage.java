package io.stencil.hub.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/// Content by its SHA-256, and the Git LFS protocol in front of it.
final class FakeStorage {

    private final FakeHub hub;

    FakeStorage(FakeHub hub) {
        this.hub = hub;
    }

    void answer(FakeExchange exchange) throws IOException {
        String[] path = exchange.path().split("/", -1);
        String oid = path[path.length - 1];
        String method = exchange.http().getRequestMethod();
        switch (method + " " + path[1]) {
            case "GET content" -> exchange.content(content(oid));
            case "PUT upload" -> {
                byte[] body = exchange.body();
                boolean right = FakeRepository.sha256(body).equals(oid);
                if (right) {
                    hub.objects.put(oid, body);
                }
                exchange.answer(right ? 200 : 400, "");
            }
            case "PUT part" -> {
                Map<Integer, byte[]> parts = hub.uploads.get(path[2]);
                if (parts == null) {
                    exchange.answer(
                            403, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>");
                    return;
                }
                parts.put(Integer.parseInt(exchange.query("number")), exchange.body());
                exchange.http().getResponseHeaders().set("ETag", "\"part-" + exchange.query("number") + "\"");
                exchange.answer(200, "");
            }
            case "POST complete" -> complete(exchange, oid, hub.uploads.getOrDefault(path[2], Map.of()));
            case "POST verify" ->
                exchange.answer(
                        hub.objects.containsKey(exchange.json().path("oid").asText()) ? 200 : 404, "");
            default -> exchange.answer(404, "");
        }
    }

    private byte[] content(String oid) {
        for (FakeRepository repository : hub.repositories.values()) {
            for (byte[] content : repository.files.values()) {
                if (repository.sum(content).equals(oid)) {
                    return content;
                }
            }
        }
        return new byte[0];
    }

    private void complete(FakeExchange exchange, String oid, Map<Integer, byte[]> parts) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (JsonNode part : exchange.json().path("parts")) {
            int number = part.path("partNumber").asInt();
            if (part.path("etag").asText().equals("\"part-" + number + "\"")) {
                all.write(parts.getOrDefault(number, new byte[0]));
            }
        }
        boolean right = FakeRepository.sha256(all.toByteArray()).equals(oid);
        if (right) {
            hub.objects.put(oid, all.toByteArray());
        }
        exchange.answer(right ? 200 : 400, "");
    }

    /// The answer to a batch of Git LFS: what is here already has no actions, or is left out.
    ///
    /// @param onlyMissing leave out what is here, as ModelScope does
    ObjectNode batch(JsonNode request, boolean onlyMissing) {
        ObjectNode answer = FakeExchange.JSON.createObjectNode();
        ArrayNode list = answer.putArray("objects");
        for (JsonNode object : request.path("objects")) {
            String oid = object.path("oid").asText();
            boolean there = hub.objects.containsKey(oid);
            if (there && onlyMissing) {
                continue;
            }
            ObjectNode one = list.addObject()
                    .put("oid", oid)
                    .put("size", object.path("size").asLong());
            if (!there) {
                ObjectNode actions = one.putObject("actions");
                upload(actions.putObject("upload"), oid, object.path("size").asLong());
                if (!onlyMissing) {
                    actions.putObject("verify").put("href", hub.storageSite() + "/verify/" + oid);
                }
            }
        }
        return answer;
    }

    private void upload(ObjectNode upload, String oid, long size) {
        int part = hub.partBytes();
        if (part == 0) {
            upload.put("href", hub.storageSite() + "/upload/" + oid);
            upload.putObject("header").put("Host", "storage").put("X-Signed", "yes");
            return;
        }
        // Each batch begins an upload of its own, as S3 does.
        String id = UUID.randomUUID().toString();
        hub.uploads.put(id, new ConcurrentSkipListMap<>());
        upload.put("href", "%s/complete/%s/%s".formatted(hub.storageSite(), id, oid));
        ObjectNode header = upload.putObject("header").put("chunk_size", Integer.toString(part));
        for (int number = 1; (long) (number - 1) * part < size; number++) {
            header.put(
                    String.format(Locale.ROOT, "%05d", number),
                    "%s/part/%s/%s?number=%s".formatted(hub.storageSite(), id, oid, number));
        }
    }

    /// Files that a commit refers to by hash.
    byte @Nullable [] stored(String oid) {
        return hub.objects.get(oid);
    }
}
