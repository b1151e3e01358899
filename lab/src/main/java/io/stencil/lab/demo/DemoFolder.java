package io.stencil.lab.demo;

import io.stencil.error.InvalidRequestException;
import io.stencil.files.AtomicFile;
import io.stencil.files.Sha256;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/// The output folder of demos. Each demo replaces the parts that the one before made there, unless something in
/// them was changed or put beside it since.
///
/// A mark, `.stencil-demo`, lists their files below a line for people: SHA-256 and name as `sha256sum` writes them,
/// or `-` and the name of a part that a demo was at work on when it ended, of which nothing is known.
final class DemoFolder {

    private static final String MARK = ".stencil-demo";
    private static final String HEADING =
            "stencil demo made the files below. The next demo here replaces them, unless they were changed. What a line "
                    + "with - names was not finished; it is replaced in any case.\n";
    private static final String SEPARATOR = "  ";
    private static final String AT_WORK = "-";

    /// Makes a part.
    @FunctionalInterface
    interface Work {
        void run() throws IOException;
    }

    private final Path folder;
    private final List<Path> parts;
    private final Map<String, String> hashes = new TreeMap<>();

    /// @param parts files and folders in it that a demo makes
    DemoFolder(Path folder, List<Path> parts) {
        this.folder = folder;
        this.parts = List.copyOf(parts);
    }

    /// Marks the folder, which is made if need be, as a demo's.
    ///
    /// @throws InvalidRequestException when it is no demo's and holds something, or when a part holds something
    ///     that no demo made
    void claim() throws IOException {
        if (Files.exists(mark())) {
            readMark();
            requireUnchanged();
        } else {
            requireEmpty();
            writeMark();
        }
    }

    /// Makes parts anew, and records their hashes.
    void replace(List<Path> replaced, Work work) throws IOException {
        for (Path part : replaced) {
            forget(part);
            hashes.put(name(part), AT_WORK);
        }
        writeMark();
        work.run();
        for (Path part : replaced) {
            forget(part);
            for (Path file : files(part)) {
                hashes.put(name(file), Sha256.of(file));
            }
        }
        writeMark();
    }

    private void forget(Path part) {
        String name = name(part);
        hashes.keySet().removeIf(file -> file.equals(name) || file.startsWith(name + "/"));
    }

    private void requireEmpty() throws IOException {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try (Stream<Path> content = Files.list(folder)) {
            Path conflict = content.filter(file -> !isTemporary(file))
                    .sorted()
                    .findFirst()
                    .orElse(null);
            if (conflict != null) {
                throw new InvalidRequestException(
                        "output",
                        ("'%s' holds '%s' and is not marked as a demo's (%s), which would replace files; "
                                        + "name another folder")
                                .formatted(folder, conflict.getFileName(), MARK));
            }
        }
    }

    private void requireUnchanged() throws IOException {
        for (Path part : parts) {
            if (AT_WORK.equals(hashes.get(name(part)))) {
                continue;
            }
            for (Path file : files(part)) {
                String sum = hashes.get(name(file));
                if (sum == null) {
                    throw kept(file, "put there");
                }
                if (!AT_WORK.equals(sum)
                        && !(Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) && sum.equals(Sha256.of(file)))) {
                    throw kept(file, "changed");
                }
            }
        }
    }

    private InvalidRequestException kept(Path file, String what) {
        return new InvalidRequestException(
                "output",
                "'%s' was %s after the demo in '%s', and another one would replace it; name another folder"
                        .formatted(name(file), what, folder));
    }

    /// Checks whether a file is one that a killed demo was writing.
    private static boolean isTemporary(Path file) {
        return file.getFileName().toString().matches("\\..+\\.[0-9a-f-]{36}\\.tmp");
    }

    /// The files of a part, links among them; none where it is not there.
    private static List<Path> files(Path part) throws IOException {
        if (!Files.exists(part, LinkOption.NOFOLLOW_LINKS)) {
            return List.of();
        }
        try (Stream<Path> content = Files.walk(part)) {
            return content.filter(file -> !Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS))
                    .filter(file -> !isTemporary(file))
                    .sorted()
                    .toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private void readMark() throws IOException {
        for (String line : Files.readAllLines(mark())) {
            int end = line.indexOf(SEPARATOR);
            if (end > 0) {
                hashes.put(line.substring(end + SEPARATOR.length()), line.substring(0, end));
            }
        }
    }

    private void writeMark() throws IOException {
        StringBuilder text = new StringBuilder(HEADING);
        hashes.forEach(
                (name, sum) -> text.append(sum).append(SEPARATOR).append(name).append('\n'));
        AtomicFile.writeText(mark(), text.toString());
    }

    private String name(Path file) {
        StringBuilder name = new StringBuilder();
        folder.relativize(file)
                .forEach(part -> name.append(name.isEmpty() ? "" : "/").append(part));
        return name.toString();
    }

    private Path mark() {
        return folder.resolve(MARK);
    }
}
