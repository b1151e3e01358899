package io.stencil.hub.http;

import java.net.URI;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/// One request.
///
/// @param body made anew for each attempt
/// @param mayBeAbsent whether 404 is an answer like any other
public record HubCall(
        String method,
        URI uri,
        Map<String, String> headers,
        Supplier<BodyPublisher> body,
        boolean mayBeAbsent,
        Subject subject) {

    public HubCall {
        headers = Map.copyOf(headers);
    }

    public static HubCall get(URI uri, Subject subject) {
        return new HubCall("GET", uri, Map.of(), BodyPublishers::noBody, false, subject);
    }

    /// Sends text.
    public static HubCall post(URI uri, String contentType, String text, Subject subject) {
        return new HubCall(
                "POST", uri, Map.of("Content-Type", contentType), () -> BodyPublishers.ofString(text), false, subject);
    }

    /// Sends JSON.
    public static HubCall postJson(URI uri, String json, Subject subject) {
        return post(uri, "application/json", json, subject);
    }

    /// Sends part of a file, or all of it.
    public static HubCall put(URI uri, Supplier<BodyPublisher> body, Subject subject) {
        return new HubCall("PUT", uri, Map.of(), body, false, subject);
    }

    public HubCall with(String name, String value) {
        Map<String, String> more = new HashMap<>(headers);
        more.put(name, value);
        return new HubCall(method, uri, more, body, mayBeAbsent, subject);
    }

    public HubCall to(URI other) {
        return new HubCall(method, other, headers, body, mayBeAbsent, subject);
    }

    /// The same request, to which 404 is an answer.
    public HubCall allowingAbsence() {
        return new HubCall(method, uri, headers, body, true, subject);
    }

    /// The same request with no other headers than these, whose names are in small letters.
    HubCall withOnly(Set<String> names) {
        Map<String, String> open = new HashMap<>(headers);
        open.keySet().removeIf(name -> !names.contains(name.toLowerCase(Locale.ROOT)));
        return new HubCall(method, uri, open, body, mayBeAbsent, subject);
    }
}
