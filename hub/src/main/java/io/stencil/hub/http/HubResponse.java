package io.stencil.hub.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.util.Locale;
import java.util.Set;
import java.util.zip.GZIPInputStream;

/// Response with a status that the caller accepts.
///
/// @param uri that sent it, after all redirects
/// @param body closed by the sender of the request; decoded, unless it is a range of an encoded one, which cannot be
public record HubResponse(int status, HttpHeaders headers, URI uri, InputStream body) {

    static final String IDENTITY = "identity";
    private static final Set<String> GZIP = Set.of("gzip", "x-gzip");

    /// Returns the value of a header, or the empty text.
    public String header(String name) {
        return headers.firstValue(name).orElse("");
    }

    /// Returns the content coding of the body as it was sent, such as `gzip`; empty where it has none.
    public String contentCoding() {
        return contentCoding(headers);
    }

    /// Reads the value of `Content-Encoding` in lower case; empty for a body as it is. Only `identity` is requested,
    /// but some caches and proxies compress all the same.
    static String contentCoding(HttpHeaders headers) {
        String coding =
                String.join(", ", headers.allValues("Content-Encoding")).strip().toLowerCase(Locale.ROOT);
        return coding.equals(IDENTITY) ? "" : coding;
    }

    static boolean isDecodable(String coding) {
        return coding.isEmpty() || GZIP.contains(coding);
    }

    /// Decodes gzip, the one coding that carries a checksum and that Java knows.
    ///
    /// @param coding that [#isDecodable] accepts
    /// @throws java.util.zip.ZipException for a body that is not gzip data
    static InputStream decode(String coding, InputStream body) throws IOException {
        if (coding.isEmpty()) {
            return body;
        }
        PushbackInputStream encoded = new PushbackInputStream(body);
        int first = encoded.read();
        if (first < 0) {
            return InputStream.nullInputStream(); // nothing is nothing in every coding
        }
        encoded.unread(first);
        return new GZIPInputStream(encoded);
    }

    /// Reads enough of the body to recognise what it is.
    public UnexpectedBody probe() throws IOException {
        return UnexpectedBody.read(body, header("Content-Type"));
    }
}
