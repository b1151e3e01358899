package io.stencil.server;

import java.io.ByteArrayOutputStream;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;

/// A form of several parts, as browsers and HTTP clients send it.
final class Form {

    private static final String BOUNDARY = "----stencil-test-boundary";

    private final ByteArrayOutputStream body = new ByteArrayOutputStream();

    Form text(String name, String value) {
        return part("name=\"%s\"".formatted(name), "text/plain; charset=utf-8", value.getBytes(StandardCharsets.UTF_8));
    }

    Form file(String name, byte[] content) {
        return part("name=\"%s\"; filename=\"image.png\"".formatted(name), "image/png", content);
    }

    private Form part(String disposition, String type, byte[] content) {
        body.writeBytes("--%s\r\nContent-Disposition: form-data; %s\r\nContent-Type: %s\r\n\r\n"
                .formatted(BOUNDARY, disposition, type)
                .getBytes(StandardCharsets.UTF_8));
        body.writeBytes(content);
        body.writeBytes("\r\n".getBytes(StandardCharsets.UTF_8));
        return this;
    }

    String type() {
        return "multipart/form-data; boundary=" + BOUNDARY;
    }

    HttpRequest.BodyPublisher publisher() {
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        whole.writeBytes(body.toByteArray());
        whole.writeBytes("--%s--\r\n".formatted(BOUNDARY).getBytes(StandardCharsets.UTF_8));
        return HttpRequest.BodyPublishers.ofByteArray(whole.toByteArray());
    }
}
