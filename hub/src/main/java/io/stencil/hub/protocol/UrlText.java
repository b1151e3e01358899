package io.stencil.hub.protocol;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Collectors;

/// Escaping of what users and repositories name.
final class UrlText {

    private UrlText() {}

    /// A path whose slashes stay: all else but letters, digits and `-._*` is percent-encoded as UTF-8.
    static String path(String path) {
        return Arrays.stream(path.split("/", -1)).map(UrlText::word).collect(Collectors.joining("/"));
    }

    /// One part of a path, or a value of a query.
    static String word(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
