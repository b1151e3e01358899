package io.stencil.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.json.Json;
import io.stencil.json.JsonReason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.MultiPart;
import org.eclipse.jetty.http.MultiPartFormData;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.util.Promise;

/// Parses bodies of requests, in memory.
final class Bodies {

    static final String FORM = "multipart/form-data";

    private static final int MAX_PARTS = 100;
    private static final int MAX_TEXT = 1 << 20;

    /// Fields of images, which are bytes also where a client names no file.
    private static final Set<String> IMAGES = Set.of("image", "mask");

    private Bodies() {}

    /// A form with files.
    ///
    /// @param texts by the names of their fields; of a repeated one the last; in objects and lists where names have
    ///     [places][NestedFields]
    /// @param files by the names of their fields, without `[]` at their ends
    record Form(ObjectNode texts, Map<String, List<byte[]>> files) {

        List<byte[]> files(String name) {
            return files.getOrDefault(name, List.of());
        }
    }

    /// Parses a value that is JSON text.
    ///
    /// @param field name of the value, for messages
    static JsonNode parse(String field, String json) {
        try {
            return Json.MAPPER.readTree(json);
        } catch (JsonProcessingException fault) {
            throw ApiException.invalidValue(
                    field, "Invalid '%s': it is not JSON: %s.".formatted(field, JsonReason.of(fault)));
        }
    }

    /// Reads a form of several parts (`multipart/form-data`, RFC 7578). A part with a file name or a type of images
    /// is a file.
    static Form form(Exchange exchange) {
        String type = String.valueOf(exchange.headers().get(HttpHeader.CONTENT_TYPE));
        String boundary = MultiPart.extractBoundary(type);
        if (boundary == null || boundary.isEmpty()) {
            throw malformed("it has no boundary");
        }
        byte[] body = exchange.body();
        MultiPartFormData.Parser parser = new MultiPartFormData.Parser(boundary);
        parser.setMaxMemoryFileSize(-1); // never to disk
        parser.setMaxParts(MAX_PARTS);
        parser.setMaxLength(body.length);
        CompletableFuture<MultiPartFormData.Parts> parsed = new CompletableFuture<>();
        parser.parse(Content.Source.from(ByteBuffer.wrap(body)), Promise.Invocable.toPromise(parsed));
        try (MultiPartFormData.Parts parts = parsed.join()) {
            Form form = new Form(Json.MAPPER.createObjectNode(), new LinkedHashMap<>());
            for (MultiPart.Part part : parts) {
                add(part, form);
            }
            return form;
        } catch (CompletionException fault) {
            throw malformed("a part is malformed or cut short");
        }
    }

    private static void add(MultiPart.Part part, Form form) {
        String name = part.getName();
        if (name == null) {
            throw malformed("a part has no name");
        }
        String type = String.valueOf(part.getHeaders().get(HttpHeader.CONTENT_TYPE));
        String field = name.endsWith("[]") ? name.substring(0, name.length() - 2) : name;
        if (part.getFileName() != null || type.startsWith("image/") || IMAGES.contains(field)) {
            form.files().computeIfAbsent(field, _ -> new ArrayList<>()).add(bytes(part));
        } else if (part.getLength() > MAX_TEXT) {
            throw ApiException.invalidValue(name, "Invalid '%s': more than %s bytes.".formatted(name, MAX_TEXT));
        } else if (NestedFields.isNested(name)) {
            NestedFields.put(form.texts(), name, text(name, part));
        } else {
            if (form.texts().path(name).isContainerNode()) {
                throw ApiException.invalidValue(
                        name, "Invalid '%s': the form has fields of it beside it.".formatted(name));
            }
            form.texts().put(name, text(name, part));
        }
    }

    private static String text(String name, MultiPart.Part part) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes(part)))
                    .toString();
        } catch (CharacterCodingException _) {
            throw ApiException.invalidValue(name, "Invalid '%s': its text is not UTF-8.".formatted(name));
        }
    }

    private static byte[] bytes(MultiPart.Part part) {
        try {
            ByteBuffer buffer = Content.Source.asByteBuffer(part.getContentSource());
            byte[] bytes = new byte[buffer.remaining()];
            buffer.get(bytes);
            return bytes;
        } catch (IOException fault) {
            throw malformed("a part cannot be read");
        }
    }

    private static ApiException malformed(String reason) {
        return new ApiException(
                ApiException.BAD_REQUEST,
                "We could not parse the multipart form in your request: %s.".formatted(reason),
                null,
                null);
    }
}
