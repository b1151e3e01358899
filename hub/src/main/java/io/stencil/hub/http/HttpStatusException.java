package io.stencil.hub.http;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.HubException;
import io.stencil.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// Error status of a hub that a retry would not change: the cause of a [HubException].
public final class HttpStatusException extends IOException {

    private static final long serialVersionUID = 1L;

    private static final int READ = 4096;

    HttpStatusException(String text) {
        super(text);
    }

    /// Returns whether a failure is a hub's error status, rather than a hub that fails or cannot be reached.
    public static boolean isIn(HubException failure) {
        return failure.getCause() instanceof HttpStatusException;
    }

    /// Describes an error status with its remedy.
    ///
    /// @param body whose beginning is read for the server's own message
    static String describe(HttpResponse<?> response, InputStream body, Credentials credentials) {
        int status = response.statusCode();
        String coding = HubResponse.contentCoding(response.headers());
        String message = HubResponse.isDecodable(coding) ? message(coding, body, credentials) : "";
        String more = message.isEmpty() ? "" : ": " + message;
        return "%s (%s%s)%s".formatted(cause(status, credentials), status, more, remedy(status, credentials));
    }

    private static String cause(int status, Credentials credentials) {
        boolean known = credentials.token() != null;
        return switch (status) {
            case 401 -> known ? "authentication failed" : "authentication required";
            case 403 -> known ? "access denied" : "authentication required";
            case 404 -> "there is no such repository, revision or file";
            case 409 -> "it was changed by someone else at the same time";
            case 413 -> "it is too large for the hub";
            case 416 -> "the hub has fewer bytes than it promised";
            case 429 -> "rate limited";
            default -> status >= 500 ? "the hub fails" : "the hub refuses the request";
        };
    }

    private static String remedy(int status, Credentials credentials) {
        boolean known = credentials.token() != null;
        return switch (status) {
            case 401 ->
                known
                        ? "; the token is not valid for this hub: renew it in %s or --hub_token_file"
                                .formatted(credentials.variable())
                        : "; check the name, and set %s or pass --hub_token_file where the repository is private"
                                .formatted(credentials.variable());
            case 403 ->
                known
                        ? "; accept the model's terms on its page, or use a token with the right to this"
                        : "; accept the model's terms on its page, and set %s or pass --hub_token_file"
                                .formatted(credentials.variable());
            case 404 -> "; check name, revision and --hub";
            case 429 -> "; try again later";
            default -> status >= 500 ? "; try again later" : "";
        };
    }

    /// Reads the server's message: a field of a JSON body, or the text itself.
    private static String message(String coding, InputStream encoded, Credentials credentials) {
        try (InputStream body = HubResponse.decode(coding, encoded)) {
            byte[] beginning = body.readNBytes(READ);
            String text = new String(beginning, StandardCharsets.UTF_8).strip();
            if (text.startsWith("{")) {
                JsonNode json = Json.FOREIGN.readTree(text);
                for (String field : List.of("error", "message", "Message")) {
                    if (json.path(field).isTextual()) {
                        return credentials.sanitize(json.path(field).textValue());
                    }
                }
            }
            if (text.startsWith("<") || text.startsWith("{")) {
                return "";
            }
            return beginning.length == READ ? credentials.sanitizeBeginning(text) : credentials.sanitize(text);
        } catch (IOException e) {
            return ""; // the status says enough
        }
    }
}
