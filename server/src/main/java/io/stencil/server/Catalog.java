package io.stencil.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.json.Json;
import io.stencil.service.ImageService;
import io.stencil.service.ModelInfo;
import io.stencil.service.ServiceStatus;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;

/// What the server has: base model, Templates, LoRAs, its description in OpenAPI, its state.
final class Catalog {

    private static final String DESCRIPTION = "openapi.json";

    private final ImageService service;
    private final byte[] description;

    Catalog(ImageService service) {
        this.service = service;
        try (InputStream resource =
                Objects.requireNonNull(Catalog.class.getResourceAsStream(DESCRIPTION), DESCRIPTION)) {
            this.description = resource.readAllBytes();
        } catch (IOException fault) {
            throw new IllegalStateException("a resource of the server cannot be read", fault);
        }
    }

    /// `GET /api/templates`.
    void templates(Exchange exchange) throws IOException {
        ObjectNode list = RequestReader.object();
        ArrayNode templates = list.putArray("templates");
        service.templates()
                .forEach(template -> templates
                        .addObject()
                        .put("name", template.name())
                        .put("hash", template.hash())
                        .put("readme", template.readme())
                        .set("input_schema", template.inputSchema()));
        exchange.send(200, list);
    }

    /// `GET /api/loras`.
    void loras(Exchange exchange) throws IOException {
        ObjectNode list = RequestReader.object();
        ArrayNode loras = list.putArray("loras");
        service.loras()
                .forEach(lora -> loras.addObject().put("name", lora.name()).put("hash", lora.hash()));
        exchange.send(200, list);
    }

    /// `GET /api/model`.
    void model(Exchange exchange) throws IOException {
        ModelInfo model = service.model();
        ObjectNode object = RequestReader.object()
                .put("name", model.name())
                .put("dtype", model.dtype())
                .put("size", RequestReader.text(model.size()))
                .put("steps", model.steps())
                .put("guidance", model.guidance());
        model.devices().forEach(object.putArray("devices")::add);
        exchange.send(200, object);
    }

    /// `GET /openapi.json`.
    void description(Exchange exchange) throws IOException {
        exchange.send(200, "application/json", description);
    }

    /// `GET /healthz`: the process answers.
    static void health(Exchange exchange) throws IOException {
        exchange.send(200, Json.MAPPER.createObjectNode().put("status", "ok"));
    }

    /// `GET /readyz`: the service accepts requests.
    void readiness(Exchange exchange, boolean isStopping) throws IOException {
        ServiceStatus status = service.status();
        boolean isReady = status.open() && !isStopping;
        exchange.send(
                isReady ? 200 : ApiException.UNAVAILABLE,
                RequestReader.object()
                        .put("status", isReady ? "ready" : "stopping")
                        .put("queued", status.queued())
                        .put("capacity", status.capacity())
                        .put("running", status.running()));
    }
}
