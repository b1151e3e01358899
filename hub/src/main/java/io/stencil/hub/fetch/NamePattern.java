package io.stencil.hub.fetch;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import java.nio.file.FileSystems;
import java.nio.file.InvalidPathException;
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
        try {
            return globbed(text, path);
        } catch (InvalidPathException e) {
            // This system cannot write the name. Whether it is meant is told all the same, so that it is in nobody's
            // way who means others.
            return globbed(ascii(text), ascii(path));
        }
    }

    private static boolean globbed(String glob, String path) {
        PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + glob);
        return matcher.matches(Path.of(path));
    }

    private static String ascii(String text) {
        return text.replaceAll("[^\\x20-\\x7e]", "_");
    }
}
