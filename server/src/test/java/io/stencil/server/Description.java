package io.stencil.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.stencil.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;

/// The description of the server in OpenAPI, against which answers are held.
final class Description {

    private final JsonNode document;
    private final SchemaRegistry schemas = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

    private final Map<String, Schema> checkers = new ConcurrentHashMap<>();

    private Description(JsonNode document) {
        this.document = document;
    }

    static Description read() {
        try (InputStream resource = Objects.requireNonNull(StencilServer.class.getResourceAsStream("openapi.json"))) {
            return new Description(Json.MAPPER.readTree(resource));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /// Lists its operations, `METHOD path`.
    List<String> operations() {
        List<String> operations = new ArrayList<>();
        document.path("paths")
                .properties()
                .forEach(path -> path.getValue()
                        .fieldNames()
                        .forEachRemaining(
                                method -> operations.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey())));
        return operations;
    }

    /// Requires that an answer is one that the description has: its status, its type and, of JSON, its schema. Requests
    /// of paths and methods that it has not are answered with errors.
    void check(String method, String path, HttpResponse<byte[]> response) throws IOException {
        if (response.body().length == 0) {
            return;
        }
        String type = response.headers().firstValue("Content-Type").orElse("").split(";", 2)[0];
        JsonNode operation = operation(method, path);
        if (operation.isMissingNode()) {
            assertThat(response.statusCode()).isIn(400, 403, 404, 405);
            check("Error", response.body());
            return;
        }
        JsonNode answer = operation.path("responses").path(String.valueOf(response.statusCode()));
        assertThat(answer.isMissingNode())
                .as(
                        "%s %s answers %s: %s",
                        method, path, response.statusCode(), new String(response.body(), StandardCharsets.UTF_8))
                .isFalse();
        assertThat(answer.path("content").has(type))
                .as("%s %s answers %s with %s", method, path, response.statusCode(), type)
                .isTrue();
        if (type.equals("application/json")) {
            check(answer.path("content").path(type).path("schema"), response.body());
        }
    }

    private JsonNode operation(String method, String path) {
        String[] found = path.split("/", -1);
        for (var entry : document.path("paths").properties()) {
            String[] expected = entry.getKey().split("/", -1);
            boolean fits = expected.length == found.length;
            for (int i = 0; fits && i < expected.length; i++) {
                fits = expected[i].startsWith("{") || expected[i].equals(found[i]);
            }
            if (fits) {
                return entry.getValue().path(method.toLowerCase(Locale.ROOT));
            }
        }
        return document.path("none");
    }

    /// Requires that a value fits a named schema.
    void check(String schema, byte[] json) throws IOException {
        check(Json.MAPPER.createObjectNode().put("$ref", "#/components/schemas/" + schema), json);
    }

    private void check(JsonNode schema, byte[] json) throws IOException {
        Schema checker = checkers.computeIfAbsent(schema.toString(), _ -> {
            ObjectNode whole = schema.deepCopy();
            whole.set("components", document.path("components"));
            return schemas.getSchema(whole.toString(), InputFormat.JSON);
        });
        assertThat(checker.validate(new String(json, StandardCharsets.UTF_8), InputFormat.JSON))
                .as("%s", Json.MAPPER.readTree(json))
                .isEmpty();
    }
}
