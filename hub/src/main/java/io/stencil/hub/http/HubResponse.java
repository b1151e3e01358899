package io.stencil.hub.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
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

    /// Recognises the body of a successful response that is not the requested content: a login page, a Git LFS
    /// pointer, nothing at all.
    public static final class UnexpectedBody {

        /// Bytes that suffice to recognise a body.
        private static final int PROBE = 64 << 10;

        private static final int SHOWN = 60;
        private static final int READ = 2048;
        private static final String POINTER = "version https://git-lfs.github.com/spec/";

        private final String contentType;
        private final byte[] head;
        private final boolean isComplete;

        /// @param contentType as the server sent it; may be empty
        /// @param head the first bytes
        /// @param isComplete whether these are all
        UnexpectedBody(String contentType, byte[] head, boolean isComplete) {
            this.contentType = contentType;
            this.head = head.clone();
            this.isComplete = isComplete;
        }

        /// Reads the beginning of a body.
        ///
        /// @param contentType as the server sent it; may be empty
        public static UnexpectedBody read(InputStream body, String contentType) throws IOException {
            byte[] head = body.readNBytes(PROBE);
            return new UnexpectedBody(contentType, head, head.length < PROBE);
        }

        public byte[] head() {
            return head.clone();
        }

        public int length() {
            return head.length;
        }

        public boolean isComplete() {
            return isComplete;
        }

        public enum Kind {
            EMPTY("an empty body"),
            HTML("an HTML page"),
            LFS_POINTER("a Git LFS pointer"),
            JSON("a JSON answer"),
            OTHER("other content");

            private final String noun;

            Kind(String noun) {
                this.noun = noun;
            }
        }

        public Kind kind() {
            if (head.length == 0) {
                return Kind.EMPTY;
            }
            String text = beginning().stripLeading().toLowerCase(Locale.ROOT);
            if (text.startsWith("<!doctype html") || text.startsWith("<html")) {
                return Kind.HTML;
            }
            if (text.startsWith(POINTER)) {
                return Kind.LFS_POINTER;
            }
            return text.startsWith("{") ? Kind.JSON : Kind.OTHER;
        }

        private String beginning() {
            String text = new String(head, 0, Math.min(head.length, READ), StandardCharsets.UTF_8);
            return text.startsWith("\ufeff") ? text.substring(1) : text;
        }

        /// Such as `an HTML page (Content-Type 'text/html', 40 bytes, begins "<!DOCTYPE html>")`.
        String describe(Credentials credentials) {
            StringBuilder text = new StringBuilder(kind().noun).append(" (");
            if (!contentType.isEmpty()) {
                text.append("Content-Type '")
                        .append(credentials.sanitize(contentType))
                        .append("', ");
            }
            text.append(isComplete ? "" : "over ").append(head.length).append(" bytes");
            if (head.length > 0) {
                boolean all = isComplete && head.length <= READ;
                String shown = all ? credentials.sanitize(beginning()) : credentials.sanitizeBeginning(beginning());
                text.append(", begins \"").append(shortened(shown)).append('"');
            }
            return text.append(')').toString();
        }

        private static String shortened(String text) {
            if (text.length() <= SHOWN) {
                return text;
            }
            int end = Character.isHighSurrogate(text.charAt(SHOWN - 1)) ? SHOWN - 1 : SHOWN;
            return text.substring(0, end) + "...";
        }

        /// @param variable of the environment that holds the hub's token
        String remedy(String variable) {
            return switch (kind()) {
                case HTML ->
                    "a login page, captive portal or proxy answered in place of the hub: check the network, HTTPS_PROXY and the hub's address, and set %s where the repository is private"
                            .formatted(variable);
                case LFS_POINTER ->
                    "this address does not resolve Git LFS files: use the hub itself, or a mirror that does (HF_ENDPOINT, MODELSCOPE_ENDPOINT)";
                case JSON ->
                    "the server reports an error under a status of success: try again later, or check %s"
                            .formatted(variable);
                case EMPTY, OTHER ->
                    "a proxy or mirror changes files: check HTTPS_PROXY and the hub's address, or try again later";
            };
        }
    }
}
