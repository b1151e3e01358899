package io.stencil.hub.protocol;

import io.stencil.error.InvalidRequestException;
import java.util.regex.Pattern;

/// `OWNER/NAME` of a repository.
public record RepositoryId(String owner, String name) {

    private static final Pattern PART = Pattern.compile("[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?");

    public RepositoryId {
        if (!isPart(owner) || !isPart(name)) {
            throw new InvalidRequestException(
                    "model", "'%s/%s' is no ID of a hub; expected OWNER/NAME".formatted(owner, name));
        }
    }

    private static boolean isPart(String text) {
        return PART.matcher(text).matches() && !text.contains("..");
    }

    /// Whether `text` has the form of an ID.
    public static boolean matches(String text) {
        int slash = text.indexOf('/');
        return slash > 0 && isPart(text.substring(0, slash)) && isPart(text.substring(slash + 1));
    }

    /// @param source what names the repository, for messages
    /// @throws InvalidRequestException when it has another form
    public static RepositoryId parse(String source, String text) {
        if (!matches(text)) {
            throw new InvalidRequestException(source, "'%s' is no ID of a hub; expected OWNER/NAME".formatted(text));
        }
        int slash = text.indexOf('/');
        return new RepositoryId(text.substring(0, slash), text.substring(slash + 1));
    }

    @Override
    public String toString() {
        return owner + "/" + name;
    }
}
