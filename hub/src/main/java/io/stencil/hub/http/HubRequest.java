package io.stencil.hub.http;

import io.stencil.error.HubException;
import java.net.URI;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// HTTP request to a hub or its storage.
///
/// @param body created anew for each attempt
/// @param mayBeAbsent whether status 404 is returned rather than thrown
public record HubRequest(
        String method,
        URI uri,
        Map<String, String> headers,
        Supplier<BodyPublisher> body,
        boolean mayBeAbsent,
        Subject subject) {

    public HubRequest {
        headers = Map.copyOf(headers);
    }

    public static HubRequest get(URI uri, Subject subject) {
        return new HubRequest("GET", uri, Map.of(), BodyPublishers::noBody, false, subject);
    }

    public static HubRequest post(URI uri, String contentType, String text, Subject subject) {
        return new HubRequest(
                "POST", uri, Map.of("Content-Type", contentType), () -> BodyPublishers.ofString(text), false, subject);
    }

    public static HubRequest postJson(URI uri, String json, Subject subject) {
        return post(uri, "application/json", json, subject);
    }

    public static HubRequest put(URI uri, Supplier<BodyPublisher> body, Subject subject) {
        return new HubRequest("PUT", uri, Map.of(), body, false, subject);
    }

    public HubRequest with(String name, String value) {
        Map<String, String> more = new HashMap<>(headers);
        more.put(name, value);
        return new HubRequest(method, uri, more, body, mayBeAbsent, subject);
    }

    public HubRequest to(URI other) {
        return new HubRequest(method, other, headers, body, mayBeAbsent, subject);
    }

    public HubRequest allowingAbsence() {
        return new HubRequest(method, uri, headers, body, true, subject);
    }

    /// Drops all other headers.
    ///
    /// @param names in lower case
    HubRequest withOnly(Set<String> names) {
        Map<String, String> remaining = new HashMap<>(headers);
        remaining.keySet().removeIf(name -> !names.contains(name.toLowerCase(Locale.ROOT)));
        return new HubRequest(method, uri, remaining, body, mayBeAbsent, subject);
    }

    /// Repository or file that a request concerns, for messages.
    ///
    /// @param repository its address
    /// @param file null for the repository as a whole
    public record Subject(String repository, @Nullable String file) {

        public HubException fault(String what) {
            return new HubException(repository, file, what);
        }

        public HubException fault(String what, Throwable cause) {
            return new HubException(repository, file, what, cause);
        }
    }
}
