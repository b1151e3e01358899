package io.stencil.hub.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// What an answer with an error status means, in words for people.
final class Refusal {

    private static final int READ = 4096;
    private static final JsonMapper MAPPER = new JsonMapper();

    private Refusal() {}

    /// @param body of the answer, of which the begin is read
    static String text(HttpResponse<?> response, InputStream body, Credentials credentials) {
        int status = response.statusCode();
        String coding = ContentCoding.of(response.headers());
        String said = ContentCoding.isDecodable(coding) ? said(coding, body, credentials.told()) : "";
        String more = said.isEmpty() ? "" : ": " + said;
        return "%s (%s%s)%s".formatted(cause(status), status, more, remedy(status, credentials));
    }

    private static String cause(int status) {
        return switch (status) {
            case 401 -> "the hub wants to know who asks";
            case 403 -> "access is refused";
            case 404 -> "there is no such repository, revision or file";
            case 409 -> "it was changed by someone else at the same time";
            case 413 -> "it is too large for the hub";
            case 416 -> "the hub has fewer bytes than it promised";
            case 429 -> "the hub takes no more requests for now";
            default -> status >= 500 ? "the hub fails" : "the hub refuses the request";
        };
    }

    private static String remedy(int status, Credentials credentials) {
        boolean known = credentials.token() != null;
        return switch (status) {
            case 401 ->
                known
                        ? "; the token is not valid here: renew %s".formatted(credentials.variable())
                        : "; check the name, and set %s where the repository is private"
                                .formatted(credentials.variable());
            case 403 ->
                known
                        ? "; accept the model's terms on its page, or use a token with the right to this"
                        : "; accept the model's terms on its page and set %s".formatted(credentials.variable());
            case 404 -> "; check name, revision and --hub";
            case 429 -> "; try again later";
            default -> status >= 500 ? "; try again later" : "";
        };
    }

    /// What a body says: its message where it is JSON.
    private static String said(String coding, InputStream encoded, ServerText told) {
        try (InputStream body = ContentCoding.decode(coding, encoded)) {
            byte[] begin = body.readNBytes(READ);
            String text = new String(begin, StandardCharsets.UTF_8).strip();
            if (text.startsWith("{")) {
                JsonNode json = MAPPER.readTree(text);
                for (String field : List.of("error", "message", "Message")) {
                    if (json.path(field).isTextual()) {
                        return told.of(json.path(field).textValue());
                    }
                }
            }
            if (text.startsWith("<") || text.startsWith("{")) {
                return "";
            }
            return begin.length == READ ? told.ofBegin(text) : told.of(text);
        } catch (IOException e) {
            return ""; // the status says enough
        }
    }
}
