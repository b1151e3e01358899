package io.stencil.hub.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.net.http.HttpHeaders;
import java.util.Locale;
import java.util.Set;
import java.util.zip.GZIPInputStream;

/// Content codings of answers. None is asked for (`Accept-Encoding: identity`), but some caches and proxies compress
/// all the same.
final class ContentCoding {

    static final String IDENTITY = "identity";
    private static final Set<String> GZIP = Set.of("gzip", "x-gzip");

    private ContentCoding() {}

    /// The value of `Content-Encoding` in lower case; empty for a body as it is.
    static String of(HttpHeaders headers) {
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
}
