package io.stencil.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.QueueFullException;
import io.stencil.error.StencilException;
import io.stencil.error.VisibleText;
import io.stencil.json.Json;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// Refuses or fails a request: a status of HTTP and an error in the form of OpenAI's API,
/// `{"error": {"message", "type", "param", "code"}}`.
final class ApiException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /// Statuses that [ApiException] uses.
    static final int BAD_REQUEST = 400;

    static final int UNAUTHORIZED = 401;
    static final int FORBIDDEN = 403;
    static final int NOT_FOUND = 404;
    static final int METHOD_NOT_ALLOWED = 405;
    static final int TIMEOUT = 408;
    static final int CONFLICT = 409;
    static final int GONE = 410;
    static final int TOO_LARGE = 413;
    static final int UNSUPPORTED_TYPE = 415;
    static final int TOO_MANY = 429;
    static final int FAILED = 500;
    static final int UNAVAILABLE = 503;

    private final int status;
    private final @Nullable String param;
    private final @Nullable String code;
    private final @Nullable Duration retryAfter;

    private ApiException(
            int status, String message, @Nullable String param, @Nullable String code, @Nullable Duration retryAfter) {
        super(message, null, false, false);
        this.status = status;
        this.param = param;
        this.code = code;
        this.retryAfter = retryAfter;
    }

    /// @param param field of the request; null where the fault is of no field
    /// @param code stable word for programs; null where OpenAI has none
    ApiException(int status, String message, @Nullable String param, @Nullable String code) {
        this(status, message, param, code, null);
    }

    /// Refuses a value of a field.
    static ApiException invalid(String param, String message, String code) {
        return new ApiException(BAD_REQUEST, message, param, code);
    }

    static ApiException invalidValue(String param, String message) {
        return invalid(param, message, "invalid_value");
    }

    /// Refuses a request that may be accepted later.
    static ApiException later(int status, String message, String code, Duration retryAfter) {
        return new ApiException(status, message, null, code, retryAfter);
    }

    static ApiException closing() {
        return later(
                UNAVAILABLE,
                "The server is shutting down; send the request to another one, or again later.",
                "shutting_down",
                Duration.ofSeconds(5));
    }

    /// Describes a failure whose cause is not the client's, and whose words may name files of this machine.
    ///
    /// @param id of the request, under which the server has reported the cause
    static ApiException failed(String id) {
        return new ApiException(
                FAILED, "The server had an error; its log has the cause (request %s).".formatted(id), null, null);
    }

    /// Translates a fault of the service.
    ///
    /// @return null for a fault that is not the client's
    static @Nullable ApiException of(StencilException fault) {
        Location location = fault.location();
        String field = location == null || location.file() != null ? null : location.field();
        return switch (fault) {
            case QueueFullException full ->
                later(TOO_MANY, full.getMessage(), "rate_limit_exceeded", full.retryAfter());
            case InvalidRequestException request ->
                new ApiException(BAD_REQUEST, request.getMessage(), field, "invalid_value");
            case InvalidFileException file
            when field != null -> new ApiException(BAD_REQUEST, file.getMessage(), field, "invalid_image");
            default -> null;
        };
    }

    int status() {
        return status;
    }

    @Nullable
    Duration retryAfter() {
        return retryAfter;
    }

    /// Builds the body of the response.
    ObjectNode body() {
        ObjectNode body = Json.MAPPER.createObjectNode();
        body.putObject("error")
                .put("message", VisibleText.of(String.valueOf(getMessage())))
                .put(
                        "type",
                        status == TOO_MANY ? "requests" : status >= FAILED ? "server_error" : "invalid_request_error")
                .put("param", param == null ? null : VisibleText.of(param))
                .put("code", code);
        return body;
    }
}
