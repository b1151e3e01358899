package io.stencil.hub.http;

import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpHeaders;

/// An answer with a status that the caller accepts.
///
/// @param uri that gave it, behind all redirects
/// @param body closed by who sent the request
public record HubAnswer(int status, HttpHeaders headers, URI uri, InputStream body) {}
