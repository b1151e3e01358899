package io.stencil.hub.provider;

import io.stencil.error.InvalidRequestException;
import io.stencil.hub.http.HubRequest.Subject;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Repository of a hub.
public record Repository(HubKind hub, URI site, Id id) {

    public Subject subject() {
        return new Subject(toString(), null);
    }

    public Subject subject(@Nullable String file) {
        return new Subject(toString(), file);
    }

    /// Percent-encodes a path segment, or a value of a query: all but letters, digits and `-._*`.
    public static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /// Percent-encodes the segments of a path.
    static String encodePath(String path) {
        return Arrays.stream(path.split("/", -1)).map(Repository::encode).collect(Collectors.joining("/"));
    }

    @Override
    public String toString() {
        return site + "/" + id;
    }

    /// ID of a repository, `OWNER/NAME`.
    public record Id(String owner, String name) {

        private static final Pattern PART = Pattern.compile("[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?");

        public Id {
            if (!isPart(owner) || !isPart(name)) {
                throw new InvalidRequestException(
                        "model", "'%s/%s' is not an ID of a hub; expected OWNER/NAME".formatted(owner, name));
            }
        }

        private static boolean isPart(String text) {
            return PART.matcher(text).matches() && !text.contains("..");
        }

        /// Returns whether `text` has the form of an ID.
        public static boolean matches(String text) {
            int slash = text.indexOf('/');
            return slash > 0 && isPart(text.substring(0, slash)) && isPart(text.substring(slash + 1));
        }

        /// @param source option or file that names the repository, for messages
        /// @throws InvalidRequestException when it has another form
        public static Id parse(String source, String text) {
            if (!matches(text)) {
                throw new InvalidRequestException(
                        source, "'%s' is not an ID of a hub; expected OWNER/NAME".formatted(text));
            }
            int slash = text.indexOf('/');
            return new Id(text.substring(0, slash), text.substring(slash + 1));
        }

        @Override
        public String toString() {
            return owner + "/" + name;
        }
    }
}
