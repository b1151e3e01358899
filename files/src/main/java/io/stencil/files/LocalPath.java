package io.stencil.files;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Paths on this machine, read from the texts of options and files.
public final class LocalPath {

    private static final Pattern URL = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]+://.*");
    private static final Pattern HOME = Pattern.compile("~(/.*)?");
    private static final Pattern DRIVE = Pattern.compile("[A-Za-z]:[\\\\/].*");

    private LocalPath() {}

    /// The path that `text` names. A URL, a path that begins with `~` and one of Windows are refused, unless there is
    /// a file of that name.
    ///
    /// @param location of the text, for the message
    /// @throws InvalidRequestException when the text is not a path, with the remedy
    public static Path of(Location location, String text) {
        try {
            Path path = Path.of(text);
            boolean foreign = Stream.of(URL, HOME, DRIVE)
                    .anyMatch(form -> form.matcher(text).matches());
            if (foreign && Files.notExists(path)) {
                throw new InvalidRequestException(location, "'%s' is not a local path%s".formatted(text, hint(text)));
            }
            return path;
        } catch (InvalidPathException e) {
            throw new InvalidRequestException(location, "'%s' is not a path: %s".formatted(text, e.getReason()), e);
        }
    }

    /// What to do about a path that does not exist, to be put behind that message; empty where nothing is known.
    public static String hint(String text) {
        if (URL.matcher(text).matches()) {
            return "; it is a URL: download the file, or name a model of a hub as OWNER/NAME:PATTERN";
        }
        if (HOME.matcher(text).matches()) {
            return "; only the shell replaces '~', and only at the start of a word: write "
                    + System.getProperty("user.home")
                    + text.substring(1);
        }
        if (DRIVE.matcher(text).matches()) {
            return "; it is a path of Windows: write it as this system names it, with '/'";
        }
        return text.contains("\\") ? "; write '/' between the parts of a path, not '\\'" : "";
    }
}
