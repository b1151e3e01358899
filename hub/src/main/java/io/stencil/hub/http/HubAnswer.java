package io.stencil.hub.http;

import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpHeaders;

/// An answer with a status that the caller accepts.
///
/// @param uri that gave it, behind all redirects
/// @param body closed by who sent the request; decoded, unless it is part of an encoded one, which cannot be
public record HubAnswer(int status, HttpHeaders headers, URI uri, InputStream body) {

    /// The value of a header, or the empty text.
    public String header(String name) {
        return headers.firstValue(name).orElse("");
    }

    /// The content coding of the body as it was sent, such as `gzip`; empty where it has none.
    public String contentCoding() {
        return ContentCoding.of(headers);
    }
}
