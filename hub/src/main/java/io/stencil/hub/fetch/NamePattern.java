package io.stencil.hub.fetch;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.regex.PatternSyntaxException;

/// The pattern of a reference: a glob over paths in a repository, the name of a folder, or nothing for all.
record NamePattern(String text) {

    /// @throws InvalidRequestException when it is no glob
    NamePattern {
        if (!text.isEmpty()) {
            try {
                FileSystems.getDefault().getPathMatcher("glob:" + text);
            } catch (PatternSyntaxException e) {
                throw new InvalidRequestException(
                        Location.ofField("pattern"), "'%s' is no pattern: %s".formatted(text, e.getDescription()), e);
            }
        }
    }

    boolean matches(String path) {
        if (text.isEmpty() || path.startsWith(text.endsWith("/") ? text : text + "/") || path.equals(text)) {
            return true;
        }
        PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + text);
        return matcher.matches(Path.of(path));
    }

    /// Whether it is a glob that names files, and not a folder with all that is in it.
    boolean choosesFiles(String path) {
        return !text.isEmpty() && !path.startsWith(text.endsWith("/") ? text : text + "/");
    }
}
