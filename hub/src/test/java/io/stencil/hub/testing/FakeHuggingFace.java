package io.stencil.hub.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/// The part of Hugging Face's HTTP interface that is used.
final class FakeHuggingFace {

    private static final int PAGE = 3;

    private final FakeHub hub;
    private final FakeStorage storage;

    FakeHuggingFace(FakeHub hub) {
        this.hub = hub;
        this.storage = new FakeStorage(hub);
    }

    void answer(FakeExchange exchange) throws IOException {
        String path = exchange.path();
        if (path.equals("/api/repos/create")) {
            JsonNode body = exchange.json();
            String id =
                    body.path("organization").asText() + "/" + body.path("name").asText();
            hub.repository(id).isPrivate = body.path("private").asBoolean();
            exchange.answer(FakeExchange.JSON.createObjectNode().put("url", id));
            return;
        }
        boolean api = path.startsWith("/api/models/");
        String[] parts = (api ? path.substring("/api/models/".length()) : path.substring(1)).split("/", 4);
        String id = parts.length < 2 ? "" : parts[0] + "/" + parts[1].replaceFirst("\\.git$", "");
        FakeRepository repository = hub.repositories.get(id);
        if (repository == null) {
            exchange.answer(404, "{\"error\": \"Repository not found\"}");
        } else if (api) {
            api(exchange, repository, parts.length < 3 ? "" : parts[2]);
        } else if (parts[2].equals("resolve")) {
            resolve(exchange, repository, parts[3]);
        } else {
            exchange.answer(storage.batch(exchange.json(), false));
        }
    }

    private void api(FakeExchange exchange, FakeRepository repository, String verb) throws IOException {
        switch (verb) {
            case "", "revision" ->
                exchange.answer(FakeExchange.JSON.createObjectNode().put("sha", repository.commit()));
            case "tree" -> tree(exchange, repository);
            case "preupload" -> {
                ObjectNode answer = FakeExchange.JSON.createObjectNode();
                ArrayNode files = answer.putArray("files");
                for (JsonNode file : exchange.json().path("files")) {
                    String path = file.path("path").asText();
                    boolean large =
                            FakeRepository.isLarge(path, file.path("size").asLong());
                    files.addObject().put("path", path).put("uploadMode", large ? "lfs" : "regular");
                }
                exchange.answer(answer);
            }
            case "commit" -> commit(exchange, repository);
            default -> exchange.answer(404, "");
        }
    }

    private static void tree(FakeExchange exchange, FakeRepository repository) throws IOException {
        List<Map.Entry<String, byte[]>> all = new ArrayList<>(repository.files.entrySet());
        String cursor = exchange.query("cursor");
        int from = cursor.isEmpty() ? 0 : Integer.parseInt(cursor);
        ArrayNode entries = FakeExchange.JSON.createArrayNode();
        entries.addObject().put("type", "directory").put("path", "folder").put("size", 0);
        for (Map.Entry<String, byte[]> file : all.subList(from, Math.min(all.size(), from + PAGE))) {
            String type = repository.links.contains(file.getKey()) ? "symlink" : "file";
            ObjectNode entry = entries.addObject()
                    .put("type", type)
                    .put("path", file.getKey())
                    .put("size", file.getValue().length)
                    .put("oid", FakeRepository.gitBlob(file.getValue()));
            if (FakeRepository.isLarge(file.getKey(), file.getValue().length)) {
                entry.putObject("lfs")
                        .put("oid", FakeRepository.sha256(file.getValue()))
                        .put("size", file.getValue().length);
            }
        }
        if (from + PAGE < all.size()) {
            exchange.http()
                    .getResponseHeaders()
                    .set("Link", "<%s?recursive=true&cursor=%s>; rel=\"next\"".formatted(exchange.path(), from + PAGE));
        }
        exchange.answer(entries);
    }

    private void resolve(FakeExchange exchange, FakeRepository repository, String revisionAndPath) throws IOException {
        String path = revisionAndPath.substring(revisionAndPath.indexOf('/') + 1);
        byte[] content = repository.files.get(path);
        if (content == null) {
            exchange.answer(404, "Entry not found");
        } else if (FakeRepository.isLarge(path, content.length)) {
            exchange.redirect(hub.storageSite() + "/content/" + repository.sum(content) + "?signature=abc");
        } else {
            exchange.content(content);
        }
    }

    private void commit(FakeExchange exchange, FakeRepository repository) throws IOException {
        Map<String, byte[]> changed = new java.util.TreeMap<>();
        for (String text :
                new String(exchange.body(), StandardCharsets.UTF_8).lines().toList()) {
            JsonNode line = FakeExchange.JSON.readTree(text);
            JsonNode value = line.path("value");
            switch (line.path("key").asText()) {
                case "header" -> {}
                case "file" ->
                    changed.put(
                            value.path("path").asText(),
                            Base64.getDecoder().decode(value.path("content").asText()));
                case "lfsFile" -> {
                    byte[] stored = storage.stored(value.path("oid").asText());
                    if (stored == null) {
                        exchange.answer(400, "{\"error\": \"LFS object is missing\"}");
                        return;
                    }
                    changed.put(value.path("path").asText(), stored);
                }
                default -> throw new IOException("no such key: " + text);
            }
        }
        changed.forEach(repository::put);
        exchange.answer(FakeExchange.JSON.createObjectNode().put("commitOid", repository.commit()));
    }
}
