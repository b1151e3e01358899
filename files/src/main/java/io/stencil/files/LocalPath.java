package io.stencil.files;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Parses paths on this machine from the texts of options and files.
public final class LocalPath {

    private static final Pattern URL = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]+://.*");
    private static final Pattern HOME = Pattern.compile("~(/.*)?");
    private static final Pattern DRIVE = Pattern.compile("[A-Z]:[\\\\/].*|[a-z]:\\\\.*");

    private static final String UTF_8_LOCALE =
            "set LC_ALL=C.UTF-8, or another UTF-8 locale of 'locale -a', in the environment";

    private LocalPath() {}

    /// Parses a path. A URL, a path that begins with `~` and one of Windows are refused, unless there is
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
            throw new InvalidRequestException(location, "'%s' is not a path: %s".formatted(text, reason(e)), e);
        }
    }

    /// Explains why a text is not a path on this machine, with the remedy where the encoding of file names lacks a
    /// character.
    public static String reason(InvalidPathException fault) {
        Charset names = Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));
        return names.equals(StandardCharsets.UTF_8) || names.newEncoder().canEncode(fault.getInput())
                ? fault.getReason()
                : "the locale (%s) has no such characters in file names; %s".formatted(locale(), UTF_8_LOCALE);
    }

    /// Refuses arguments of the command line that were not in the locale's encoding: Java has put U+FFFD in place of
    /// the bytes that it could not read.
    ///
    /// @throws InvalidRequestException for the first of them, with the remedy
    public static void requireReadable(List<String> arguments) {
        for (String argument : arguments) {
            if (argument.indexOf('\uFFFD') >= 0) {
                String encoding = System.getProperty("sun.jnu.encoding", "UTF-8");
                throw new InvalidRequestException(
                        Location.ofField(argument),
                        encoding.equals("UTF-8")
                                ? "the argument is not valid UTF-8; write it in UTF-8, and rename files whose names are not"
                                : "the locale (%s) cannot read the argument; %s".formatted(locale(), UTF_8_LOCALE));
            }
        }
    }

    /// Returns the variable that sets the encoding, as users write it.
    private static String locale() {
        return Stream.of("LC_ALL", "LC_CTYPE", "LANG")
                .filter(name ->
                        !Objects.requireNonNullElse(System.getenv(name), "").isEmpty())
                .map(name -> name + "=" + System.getenv(name))
                .findFirst()
                .orElse("none is set");
    }

    /// Returns a remedy for a path that does not exist, to follow that message; empty where none is known.
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
