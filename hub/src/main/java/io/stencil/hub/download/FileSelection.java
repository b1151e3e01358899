package io.stencil.hub.download;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.HubException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.hub.provider.Listing;
import io.stencil.hub.provider.Listing.RemoteFile;
import io.stencil.hub.provider.Repository;
import io.stencil.json.JsonFile;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;

/// Selects the files of a listing to fetch.
///
/// @param chosen by the pattern, sorted
/// @param all these, and the JSON files in the folders of weights, which describe them
/// @param leftOut JSON files beside weights whose names some system cannot hold, or this one cannot write
record FileSelection(List<RemoteFile> chosen, List<RemoteFile> all, List<RemoteFile> leftOut) {

    /// Marks a repository with one folder for each model of a pipeline.
    private static final String PIPELINE = "model_index.json";

    /// @throws HubException when the pattern matches nothing that is fetched, or a name is not safe
    static FileSelection of(Repository repository, Listing listing, String pattern) {
        FileNames.requireInside(repository, listing.files());
        NamePattern names = new NamePattern(pattern);
        List<RemoteFile> matching = listing.files().stream()
                .filter(file -> names.matches(file.path()))
                .sorted(Comparator.comparing(RemoteFile::path))
                .toList();
        boolean whole = pattern.isEmpty()
                && listing.files().stream().anyMatch(file -> file.path().equals(PIPELINE));
        List<RemoteFile> chosen = matching.stream()
                .filter(file -> FileNames.isAllowed(file.path()))
                .filter(file -> !whole || !isCopyInOneFile(file.path()))
                .toList();
        if (chosen.isEmpty()) {
            throw nothing(repository, listing, pattern, matching);
        }
        Set<String> folders = chosen.stream()
                .filter(file -> file.path().endsWith(".safetensors"))
                .map(file -> parent(file.path()))
                .collect(Collectors.toSet());
        List<RemoteFile> all = new ArrayList<>(chosen);
        List<RemoteFile> leftOut = new ArrayList<>();
        for (RemoteFile file : listing.files()) {
            boolean needed = file.path().equals(PIPELINE)
                    || (file.path().endsWith(".json") && folders.contains(parent(file.path())));
            if (needed && !chosen.contains(file)) {
                boolean isSafe = FileNames.isSafe(file.path()) && FileNames.isWritable(file.path());
                (isSafe ? all : leftOut).add(file);
            }
        }
        FileNames.requireFetchable(repository, all);
        return new FileSelection(chosen, all, leftOut);
    }

    private static HubException nothing(
            Repository repository, Listing listing, String pattern, List<RemoteFile> matching) {
        if (!matching.isEmpty()) {
            return repository
                    .subject(FileNames.printable(matching.getFirst().path()))
                    .fault("is of a kind that is not fetched; only %s are".formatted(FileNames.kinds()));
        }
        Set<String> tops = new TreeSet<>();
        listing.files()
                .forEach(file -> tops.add(FileNames.printable(file.path()).replaceFirst("/.*", "/")));
        String what = pattern.isEmpty() ? "holds no file" : "'%s' matches no file".formatted(pattern);
        return repository.subject().fault("%s; found %s".formatted(what, NameList.of(tops)));
    }

    /// Returns whether weights at the root repeat those of a pipeline's folders, for other programs.
    private static boolean isCopyInOneFile(String path) {
        return path.endsWith(".safetensors") && parent(path).isEmpty();
    }

    private static String parent(String path) {
        int slash = path.lastIndexOf('/');
        return slash < 0 ? "" : path.substring(0, slash);
    }

    /// Finds shards that an index names and the listing lacks: where a listing is a scan of the disk, only the index
    /// shows that one is missing.
    ///
    /// @throws io.stencil.error.InvalidFileException when an index is not JSON
    List<String> missingShards(Listing listing, String pattern, ModelFolder folder) {
        Set<String> listed = listing.files().stream().map(RemoteFile::path).collect(Collectors.toSet());
        Set<String> missing = new TreeSet<>();
        for (RemoteFile file : all) {
            Path index = folder.file(file.path());
            if (file.path().endsWith(".safetensors.index.json") && Files.isRegularFile(index)) {
                String parent = file.path().substring(0, file.path().lastIndexOf('/') + 1);
                for (JsonNode shard : JsonFile.read(index).path("weight_map")) {
                    missing.add(parent + shard.asText());
                }
            }
        }
        NamePattern names = new NamePattern(pattern);
        missing.removeIf(path -> listed.contains(path) || !FileNames.isSafe(path) || !names.matches(path));
        return List.copyOf(missing);
    }

    /// @throws HubException when the sum overflows
    long bytes(Repository repository) {
        try {
            return all.stream().mapToLong(RemoteFile::size).reduce(0, Math::addExact);
        } catch (ArithmeticException e) {
            throw repository.subject().fault("the hub lists files of more bytes than there can be", e);
        }
    }

    /// Pattern of a reference: a glob over paths in a repository, the name of a folder, or empty for all.
    record NamePattern(String text) {

        /// @throws InvalidRequestException when it is not a glob
        NamePattern {
            if (!text.isEmpty()) {
                try {
                    FileSystems.getDefault().getPathMatcher("glob:" + text);
                } catch (PatternSyntaxException e) {
                    throw new InvalidRequestException(
                            Location.ofField("pattern"),
                            "'%s' is not a pattern: %s".formatted(text, e.getDescription()),
                            e);
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
                // This system's encoding lacks the name. It still must not stop a pattern that chooses other files.
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
}
