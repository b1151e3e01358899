package io.stencil.hub.upload;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.files.AtomicFile;
import io.stencil.files.LocalPath;
import io.stencil.files.Sha256;
import io.stencil.hub.download.FileNames;
import io.stencil.hub.download.Snapshot;
import io.stencil.hub.http.HubRequest.Subject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Writes and verifies the file `SHA256SUMS` of a folder, in the format of `sha256sum --check`.
public final class Sha256Sums {

    public static final String FILE_NAME = "SHA256SUMS";

    private static final String ABSENT =
            "has no %s, which lists the packaged files; make it with 'stencil package'".formatted(FILE_NAME);
    private static final Pattern LINE = Pattern.compile("([0-9a-f]{64}) [ *](.+)");

    private Sha256Sums() {}

    public static void write(Path folder) throws IOException {
        StringBuilder text = new StringBuilder();
        for (Map.Entry<String, Path> file : FileNames.in(folder).entrySet()) {
            if (!file.getKey().equals(FILE_NAME)) {
                text.append(Sha256.of(file.getValue()))
                        .append("  ")
                        .append(file.getKey())
                        .append('\n');
            }
        }
        AtomicFile.writeText(folder.resolve(FILE_NAME), text.toString());
    }

    /// Verifies a folder, where it has checksums.
    ///
    /// @return the names of the verified files, or empty without checksums
    /// @throws InvalidFileException naming the first file that is absent or differs
    public static Optional<Set<String>> requireSame(Path folder) {
        Path file = folder.resolve(FILE_NAME);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            Set<String> names = new TreeSet<>();
            List<String> lines = Files.readAllLines(file);
            for (int i = 0; i < lines.size(); i++) {
                Matcher line = LINE.matcher(lines.get(i));
                if (!line.matches()) {
                    throw new InvalidFileException(Location.of(file, i + 1), "expected a SHA-256 and a name");
                }
                names.add(requireSame(folder, line.group(2), line.group(1)));
            }
            return Optional.of(names);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be read: " + e, e);
        }
    }

    /// Verifies a fetched folder, whose checksums must name all code and weights: others could be used in their
    /// place.
    ///
    /// @return the names of the verified files
    /// @throws io.stencil.error.HubException naming files without checksums
    /// @throws InvalidFileException naming the first file that is absent or differs
    public static Set<String> requireComplete(Snapshot snapshot) {
        Subject subject = snapshot.repository().subject();
        Set<String> named = requireSame(snapshot.folder()).orElseThrow(() -> subject.fault(ABSENT));
        List<String> others = unnamed(
                snapshot.files().stream()
                        .map(file -> FileNames.relative(snapshot.folder(), file))
                        .toList(),
                named);
        if (!others.isEmpty()) {
            throw subject.fault(
                    "%s does not name %s, of an older package perhaps, which may be used in place of what it names; delete it at the hub"
                            .formatted(FILE_NAME, NameList.of(others)));
        }
        return named;
    }

    /// Verifies a local folder in the same way.
    ///
    /// @return the names of the verified files
    /// @throws InvalidFileException naming a file that is absent, differs, or has no checksum
    public static Set<String> requireComplete(Path folder) {
        Set<String> named = requireSame(folder).orElseThrow(() -> new InvalidFileException(folder, ABSENT));
        try {
            List<String> others = unnamed(FileNames.in(folder).keySet(), named);
            if (!others.isEmpty()) {
                throw new InvalidFileException(
                        folder.resolve(FILE_NAME),
                        "does not name %s, which may be used in place of what it names; remove it, or package the Template again"
                                .formatted(NameList.of(others)));
            }
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be read: " + e, e);
        }
        return named;
    }

    /// Lists code and weights without checksums.
    private static List<String> unnamed(Collection<String> paths, Set<String> named) {
        return paths.stream()
                .filter(path -> FileNames.isDecisive(path) && !named.contains(path))
                .toList();
    }

    private static String requireSame(Path folder, String name, String sum) throws IOException {
        Path named = inside(folder, name);
        if (!Files.isRegularFile(named)) {
            throw new InvalidFileException(folder.resolve(FILE_NAME), "names '%s', which is not there".formatted(name));
        }
        String hash = Sha256.of(named);
        if (!hash.equals(sum)) {
            throw new InvalidFileException(
                    named, "is not what SHA256SUMS says: expected %s, found %s; package it again".formatted(sum, hash));
        }
        return FileNames.relative(folder.normalize(), named);
    }

    private static Path inside(Path folder, String name) {
        try {
            Path named = folder.resolve(name).normalize();
            if (named.startsWith(folder.normalize())) {
                return named;
            }
        } catch (InvalidPathException e) {
            throw new InvalidFileException(
                    Location.of(folder.resolve(FILE_NAME)),
                    "names '%s', which this system cannot (%s)".formatted(name, LocalPath.reason(e)),
                    e);
        }
        throw new InvalidFileException(
                folder.resolve(FILE_NAME), "names '%s', which is not in the folder".formatted(name));
    }
}
