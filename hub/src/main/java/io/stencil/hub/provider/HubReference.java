package io.stencil.hub.provider;

import io.stencil.error.InvalidRequestException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// `OWNER/NAME[@REVISION]:PATTERN`: files of a repository.
///
/// @param revision branch, tag or commit; null for the hub's default branch
/// @param pattern glob inside the repository; empty for all of it
public record HubReference(Repository.Id id, @Nullable String revision, String pattern) {

    private static final Pattern REVISION = Pattern.compile("[A-Za-z0-9_](?:[A-Za-z0-9_./-]{0,199}[A-Za-z0-9_])?");

    public HubReference {
        if (revision != null && (!REVISION.matcher(revision).matches() || revision.contains(".."))) {
            throw new InvalidRequestException(
                    "revision", "'%s' is not the name of a branch, tag or commit".formatted(revision));
        }
    }

    /// Returns whether `text` has the form of a reference: an ID with a colon behind it.
    public static boolean matches(String text) {
        int colon = text.indexOf(':');
        return colon > 0 && Repository.Id.matches(withoutRevision(text.substring(0, colon)));
    }

    /// @param source option that gives the text, for messages
    /// @param text with or without the colon
    /// @throws InvalidRequestException when it has another form
    public static HubReference parse(String source, String text) {
        int colon = text.indexOf(':');
        String repository = colon < 0 ? text : text.substring(0, colon);
        int at = repository.indexOf('@');
        return new HubReference(
                Repository.Id.parse(source, withoutRevision(repository)),
                at < 0 ? null : repository.substring(at + 1),
                colon < 0 ? "" : text.substring(colon + 1));
    }

    private static String withoutRevision(String repository) {
        int at = repository.indexOf('@');
        return at < 0 ? repository : repository.substring(0, at);
    }

    @Override
    public String toString() {
        return id + (revision == null ? "" : "@" + revision) + ":" + pattern;
    }
}
