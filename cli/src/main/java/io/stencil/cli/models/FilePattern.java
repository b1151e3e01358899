package io.stencil.cli.models;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.files.LocalPath;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.List;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;

/// A path with glob characters, such as `vae/*.safetensors`, split where the globbing begins.
///
/// @param option of the command line that gave it, for messages
/// @param folder the deepest folder that is there and that no glob character is needed for
/// @param glob what is left, relative to `folder`
public record FilePattern(String option, Path folder, String glob) {

    /// True when the text has a character that globs.
    static boolean isGlob(String text) {
        return text.chars().anyMatch(c -> "*?[{".indexOf(c) >= 0);
    }

    /// @param base folder against which a relative pattern is seen
    public static FilePattern of(String option, Path base, String pattern) {
        Path folder = base.resolve(pattern.startsWith("/") ? "/" : "");
        String rest = pattern.replaceFirst("^/+", "");
        for (int slash = rest.indexOf('/'); slash >= 0; slash = rest.indexOf('/')) {
            String head = rest.substring(0, slash);
            if (isGlob(head) || !Files.isDirectory(folder.resolve(head))) {
                break;
            }
            folder = folder.resolve(head);
            rest = rest.substring(slash + 1);
        }
        return new FilePattern(option, folder, rest);
    }

    /// The files that match, sorted.
    ///
    /// @throws InvalidRequestException when there is none, with what the folder holds instead
    public List<Path> files() {
        PathMatcher matcher = matcher();
        try (Stream<Path> content = Files.walk(folder, depth())) {
            List<Path> files = content.filter(Files::isRegularFile)
                    .filter(path -> matcher.matches(folder.relativize(path)))
                    .sorted()
                    .toList();
            if (files.isEmpty()) {
                throw new InvalidRequestException(
                        option,
                        "'%s' matches no file in %s; found %s"
                                .formatted(glob, folder.toAbsolutePath().normalize(), NameList.of(content(folder))));
            }
            return files;
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be listed: " + e, e);
        }
    }

    /// The safetensors among files that a pattern matches; all, where there is none.
    static List<Path> weights(List<Path> files) {
        List<Path> weights = files.stream()
                .filter(file -> file.toString().endsWith(".safetensors"))
                .toList();
        return weights.isEmpty() ? files : weights;
    }

    private PathMatcher matcher() {
        try {
            return FileSystems.getDefault().getPathMatcher("glob:" + glob);
        } catch (PatternSyntaxException e) {
            throw new InvalidRequestException(
                    Location.ofField(option), "'%s' is not a pattern: %s".formatted(glob, e.getDescription()), e);
        }
    }

    private int depth() {
        return glob.contains("**")
                ? Integer.MAX_VALUE
                : Path.of(glob.replaceAll("[*?]", "x")).getNameCount();
    }

    /// Names in a folder, those of folders with a slash behind them.
    static List<String> content(Path folder) {
        try (Stream<Path> content = Files.list(folder)) {
            return content.sorted()
                    .map(path -> path.getFileName() + (Files.isDirectory(path) ? "/" : ""))
                    .filter(name -> !name.startsWith("."))
                    .toList();
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be listed: " + e, e);
        }
    }

    /// Reads a path, refusing text that no path can be made of.
    public static Path path(String option, String text) {
        return LocalPath.of(Location.ofField(option), text);
    }
}
