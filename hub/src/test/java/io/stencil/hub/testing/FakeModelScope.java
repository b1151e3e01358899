package io.stencil.hub.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;

/// The part of ModelScope's HTTP interface that is used.
final class FakeModelScope {

    private static final String MODELS = "/api/v1/models";
    private static final String REPOSITORIES = "/api/v1/repos/models/";

    private final FakeHub hub;
    private final FakeStorage storage;

    FakeModelScope(FakeHub hub) {
        this.hub = hub;
        this.storage = new FakeStorage(hub);
    }

    void answer(FakeExchange exchange) throws IOException {
        String path = exchange.path();
        if (path.equals(MODELS)) {
            JsonNode body = exchange.json();
            String id = body.path("Path").asText() + "/" + body.path("Name").asText();
            hub.repository(id).isPrivate = body.path("Visibility").asInt() == 1;
            exchange.answer(wrapped(FakeExchange.JSON.createObjectNode()));
            return;
        }
        boolean writing = path.startsWith(REPOSITORIES);
        String[] parts =
                path.substring((writing ? REPOSITORIES : MODELS + "/").length()).split("/", 3);
        FakeRepository repository = hub.repositories.get(parts[0] + "/" + parts[1]);
        if (repository == null) {
            exchange.answer(404, "{\"Code\": 10010205001, \"Message\": \"record not found\", \"Success\": false}");
            return;
        }
        switch (parts.length < 3 ? "" : parts[2]) {
            case "" -> exchange.answer(wrapped(FakeExchange.JSON.createObjectNode()));
            case "repo/files" -> exchange.answer(wrapped(files(repository)));
            case "repo" -> {
                byte[] content = repository.files.get(exchange.query("FilePath"));
                if (content == null) {
                    exchange.answer(404, "{\"Code\": 404, \"Message\": \"no such file\", \"Success\": false}");
                } else if (content.length > 4000) {
                    exchange.redirect(hub.storageSite() + "/content/" + FakeRepository.sha256(content));
                } else {
                    exchange.content(content);
                }
            }
            case "info/lfs/objects/batch" -> exchange.answer(wrapped(storage.batch(exchange.json(), true)));
            default -> commit(exchange, repository);
        }
    }

    private static ObjectNode wrapped(JsonNode data) {
        ObjectNode answer = FakeExchange.JSON
                .createObjectNode()
                .put("Code", 200)
                .put("Message", "success")
                .put("Success", true);
        answer.set("Data", data);
        return answer;
    }

    private static ObjectNode files(FakeRepository repository) {
        ObjectNode data = FakeExchange.JSON.createObjectNode();
        data.putObject("LatestCommitter").put("Id", repository.hidesCommits ? "" : repository.commit());
        if (repository.files.isEmpty()) {
            data.putNull("Files");
            return data;
        }
        ArrayNode files = data.putArray("Files");
        files.addObject().put("Path", "folder").put("Type", "tree").put("Size", 0);
        repository.files.forEach((path, content) -> files.addObject()
                .put("Path", path)
                .put("Name", path.substring(path.lastIndexOf('/') + 1))
                .put("Type", "blob")
                .put("Mode", repository.links.contains(path) ? "120000" : "100644")
                .put("Size", content.length)
                .put("Sha256", repository.hidesHashes ? "" : FakeRepository.sha256(content)));
        return data;
    }

    private void commit(FakeExchange exchange, FakeRepository repository) throws IOException {
        Map<String, byte[]> changed = new TreeMap<>();
        for (JsonNode action : exchange.json().path("actions")) {
            byte[] content = action.path("type").asText().equals("lfs")
                    ? storage.stored(action.path("sha256").asText())
                    : Base64.getDecoder().decode(action.path("content").asText());
            if (content == null) {
                exchange.answer(200, "{\"Code\": 10010, \"Message\": \"object is missing\", \"Success\": false}");
                return;
            }
            String path = action.path("path").asText();
            String right = repository.files.containsKey(path) ? "update" : "create";
            if (!action.path("action").asText().equals(right)) {
                exchange.answer(
                        200,
                        "{\"Code\": 10011, \"Message\": \"to be %sd: %s\", \"Success\": false}".formatted(right, path));
                return;
            }
            changed.put(path, content);
        }
        changed.forEach(repository::put);
        exchange.answer(wrapped(FakeExchange.JSON.createObjectNode()));
    }
}
