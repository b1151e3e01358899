package io.stencil.cli.demo;

import io.stencil.error.InvalidRequestException;
import io.stencil.files.AtomicFile;
import io.stencil.files.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/// The output folder of demos. Each demo replaces what the one before made there, but not what was changed or put beside
/// it since. A mark, `.stencil-demo`, lists the files of a demo that came to its end, with their SHA-256 as `sha256sum`
/// writes them, below a line for people; of a demo that did not, it has that line alone.
final class DemoFolder {

    private static final String MARK = ".stencil-demo";
    private static final String HEADING =
            "What lies here was made by stencil demo. The next demo here replaces it, unless it was changed.\n";
    private static final String SEPARATOR = "  ";

    private final Path folder;

    DemoFolder(Path folder) {
        this.folder = folder;
    }

    /// Marks the folder, which is made if need be, as one where a demo is at work.
    ///
    /// @throws InvalidRequestException when it holds something that a demo would replace and did not make
    void claim() throws IOException {
        Set<String> found = files();
        if (Files.exists(mark())) {
            requireUnchanged(found);
        } else if (!found.isEmpty()) {
            throw new InvalidRequestException(
                    "output",
                    "'%s' holds '%s' and is not marked as a demo's (%s), which would replace files; name another folder"
                            .formatted(folder, found.iterator().next(), MARK));
        }
        AtomicFile.writeText(mark(), HEADING);
    }

    /// Notes what the demo made.
    void finish() throws IOException {
        StringBuilder text = new StringBuilder(HEADING);
        for (String path : files()) {
            text.append(Sha256.of(folder.resolve(path)))
                    .append(SEPARATOR)
                    .append(path)
                    .append('\n');
        }
        AtomicFile.writeText(mark(), text.toString());
    }

    private void requireUnchanged(Set<String> found) throws IOException {
        Map<String, String> made = made();
        for (String path : found) {
            String sum = made.get(path);
            if (sum == null ? liesAmong(path, made.keySet()) : !sum.equals(Sha256.of(folder.resolve(path)))) {
                throw new InvalidRequestException(
                        "output",
                        "'%s' was %s after the demo in '%s', and another demo there would replace it; name another folder"
                                .formatted(path, sum == null ? "put there" : "changed", folder));
            }
        }
    }

    /// Whether a demo makes the folder of this file.
    private static boolean liesAmong(String path, Set<String> made) {
        int slash = path.indexOf('/');
        return slash >= 0 && made.stream().anyMatch(other -> other.startsWith(path.substring(0, slash + 1)));
    }

    private Map<String, String> made() throws IOException {
        Map<String, String> made = new TreeMap<>();
        List<String> lines = Files.readAllLines(mark());
        for (String line : lines.subList(Math.min(1, lines.size()), lines.size())) {
            int end = line.indexOf(SEPARATOR);
            if (end > 0) {
                made.put(line.substring(end + SEPARATOR.length()), line.substring(0, end));
            }
        }
        return made;
    }

    /// All but the mark.
    private Set<String> files() throws IOException {
        if (!Files.isDirectory(folder)) {
            return Set.of();
        }
        try (Stream<Path> content = Files.walk(folder)) {
            Set<String> files = new TreeSet<>();
            content.filter(file -> !Files.isDirectory(file) && !file.equals(mark()))
                    .forEach(file ->
                            files.add(folder.relativize(file).toString().replace('\\', '/')));
            return files;
        }
    }

    private Path mark() {
        return folder.resolve(MARK);
    }
}
