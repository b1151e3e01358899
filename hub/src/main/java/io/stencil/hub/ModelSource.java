package io.stencil.hub;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.error.StencilException;
import io.stencil.files.LocalPath;
import io.stencil.hub.download.Snapshot;
import io.stencil.hub.provider.HubReference;
import io.stencil.hub.provider.Repository;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Source of a model: the disk, or a hub.
///
/// ```java
/// try (Hub hub = Hub.fromEnvironment()) {
///     ModelFiles klein = ModelFiles.in(ModelSource.hub("black-forest-labs/FLUX.2-klein-base-4B", "").folder(hub));
///     List<Path> vae = ModelSource.hub("org/model", "vae/*.safetensors").files(hub);
/// }
/// ```
public sealed interface ModelSource {

    /// Files on the disk.
    ///
    /// @param option that names them, for messages; null where a program names the path itself
    /// @param text of the option
    /// @param path of a file or directory, which need not exist
    /// @param pattern glob, file or directory inside the path; empty for the path itself
    record Local(@Nullable String option, String text, Path path, String pattern) implements ModelSource {}

    /// Files of a hub's repository.
    ///
    /// @param option that names them, for messages
    record OfHub(String option, HubReference reference) implements ModelSource {}

    /// Fetches files of a hub.
    interface Fetch {

        /// @throws StencilException naming repository, file and cause
        Snapshot fetch(HubReference reference);
    }

    static ModelSource local(Path path) {
        return new Local(null, path.toString(), path, "");
    }

    /// @param id `OWNER/NAME`, or `OWNER/NAME@REVISION`
    /// @param pattern glob inside the repository, a folder, or empty for all
    /// @throws InvalidRequestException when `id` has another form
    static ModelSource hub(String id, String pattern) {
        HubReference repository = HubReference.parse("model", id);
        return new OfHub(
                "model",
                new HubReference(
                        new Repository.Id(
                                repository.id().owner(), repository.id().name()),
                        repository.revision(),
                        pattern));
    }

    /// Reads `PATH`, `GLOB`, `FOLDER:PATTERN` or `OWNER/NAME[@REVISION]:PATTERN`. A path or folder on the disk takes
    /// precedence over a repository of its name.
    ///
    /// @param option that gives the text, for messages
    /// @throws InvalidRequestException when the text is blank or not a path, such as a URL, or names no revision
    static ModelSource parse(String option, String text) {
        if (text.isBlank()) {
            throw new InvalidRequestException(
                    option, "is empty; expected a path, or OWNER/NAME:PATTERN of a model at a hub");
        }
        Location location = Location.ofField(option);
        Path path = LocalPath.of(location, text);
        if (Files.exists(path)) {
            return new Local(option, text, path, "");
        }
        int colon = text.lastIndexOf(':');
        if (colon > 0 && Files.isDirectory(LocalPath.of(location, text.substring(0, colon)))) {
            return inFolder(option, text, colon);
        }
        if (HubReference.matches(text)) {
            return new OfHub(option, HubReference.parse(option, text));
        }
        if (colon == 0) {
            throw new InvalidRequestException(option, "'%s' must be FOLDER:PATTERN".formatted(text));
        }
        String fixed = fixedFolder(text);
        if (colon < 0 || (colon < fixed.length() && Files.isDirectory(Path.of(fixed)))) {
            return isGlob(text) ? new Local(option, text, Path.of(""), text) : new Local(option, text, path, "");
        }
        return inFolder(option, text, colon);
    }

    private static Local inFolder(String option, String text, int colon) {
        Path folder = LocalPath.of(Location.ofField(option), text.substring(0, colon));
        return new Local(option, text, folder, text.substring(colon + 1));
    }

    /// Returns the folder of a path or glob up to its first wildcard, with a slash behind it; empty where none is
    /// named.
    private static String fixedFolder(String text) {
        String[] parts = text.split("[*?\\[{]", 2);
        return parts[0].substring(0, parts[0].lastIndexOf('/') + 1);
    }

    /// Locates files on the disk without a hub; empty for a source of a hub.
    default Optional<Located> local() {
        return this instanceof Local(@Nullable String option, String text, Path path, String pattern)
                ? Optional.of(new Located(option, text, path, pattern, null))
                : Optional.empty();
    }

    /// Locates the files, after fetching those of a hub.
    ///
    /// @throws StencilException naming a file that cannot be fetched
    default Located resolve(Fetch hub) {
        return switch (this) {
            case Local local -> local.local().orElseThrow();
            case OfHub(String option, HubReference reference) -> {
                Snapshot snapshot = hub.fetch(reference);
                yield new Located(option, reference.toString(), snapshot.folder(), reference.pattern(), snapshot);
            }
        };
    }

    /// Lists the files, after fetching those of a hub.
    ///
    /// @throws StencilException naming a file that does not exist or cannot be fetched
    default List<Path> files(Hub hub) {
        return resolve(hub::fetch).files();
    }

    /// Returns the folder of the model: that of the whole repository for one of a hub.
    ///
    /// A Template's folder from a hub may contain code, which is loaded only with its hash: name the hash of code
    /// that you have read, or [RemoteCode#requireTrusted] returns the trusted ones.
    default Path folder(Hub hub) {
        return resolve(hub::fetch).root();
    }

    private static boolean isGlob(String text) {
        return text.chars().anyMatch(c -> "*?[{".indexOf(c) >= 0);
    }

    /// Files of a source on the disk.
    ///
    /// @param option that names them, for messages; null where a program names the path itself
    /// @param text of the option
    /// @param root file or directory on the disk, or the folder of a fetched repository
    /// @param pattern glob, file or directory inside the root; empty for the root itself
    /// @param snapshot of the repository; null for files that the option names by their path
    record Located(
            @Nullable String option,
            String text,
            Path root,
            String pattern,
            @Nullable Snapshot snapshot) {

        /// Lists the files that the pattern matches, sorted, or the one file or directory that it names.
        ///
        /// @throws StencilException when there is none, with the content of the deepest folder that
        ///     exists
        public List<Path> files() {
            requireFolderOfPattern();
            if (isGlob(pattern)) {
                return snapshot == null ? matches() : snapshot.files();
            }
            Path file = root.resolve(pattern);
            if (Files.exists(file)) {
                return List.of(file);
            }
            if (pattern.isEmpty()) {
                String what = option == null ? "does not exist" : "'%s' does not exist".formatted(text);
                throw fault(what + LocalPath.hint(text));
            }
            return matches();
        }

        /// Lists the files of one model: the safetensors alone where a pattern such as `vae/*` matches others too.
        ///
        /// @throws InvalidRequestException when there is none
        public List<Path> weights() {
            List<Path> files = files();
            List<Path> weights = files.stream()
                    .filter(file -> file.toString().endsWith(".safetensors"))
                    .toList();
            return weights.isEmpty() ? files : weights;
        }

        /// Returns the one file.
        ///
        /// @throws StencilException when it does not exist
        public Path file() {
            requireFolderOfPattern();
            boolean isFile = pattern.isEmpty() ? Files.isRegularFile(root) : !isGlob(pattern);
            if (snapshot == null && !isFile) {
                String remedy = option == null ? "" : "; --%s must name a safetensors file".formatted(option);
                throw new InvalidFileException(Path.of(text), "no such file" + remedy);
            }
            List<Path> files = files();
            if (files.size() != 1 || !Files.isRegularFile(files.getFirst())) {
                throw fault("'%s' must name one file".formatted(text));
            }
            return files.getFirst();
        }

        /// Returns the one directory: the root, or that which the pattern names in it.
        ///
        /// @throws InvalidRequestException when it does not exist
        public Path folder() {
            if (isGlobAlone()) {
                throw fault("'%s' is not a directory".formatted(text));
            }
            Path folder = requireRoot().root.resolve(pattern);
            if (!Files.isDirectory(folder)) {
                throw fault("'%s' is not a directory in %s".formatted(pattern, root));
            }
            return folder;
        }

        /// Returns the one file or directory.
        ///
        /// @throws StencilException when it does not exist
        public Path fileOrFolder() {
            return !isGlob(pattern) && Files.isDirectory(root.resolve(pattern)) ? folder() : file();
        }

        /// Requires that the root is a directory.
        ///
        /// @throws InvalidRequestException when it is not
        public Located requireRoot() {
            if (Files.isDirectory(root) && !isGlobAlone()) {
                return this;
            }
            String folder = text.contains(":") ? text.substring(0, text.lastIndexOf(':')) : text;
            if (folder.isBlank() || isGlobAlone()) {
                throw fault("'%s' must be FOLDER:PATTERN".formatted(text));
            }
            String what = HubReference.matches(text + ":")
                    ? "'%1$s' is not a local directory; to have it from a hub, write '%1$s:'"
                    : "'%s' is not a directory";
            throw fault(what.formatted(folder) + LocalPath.hint(text));
        }

        /// Whether the text is a glob of the disk without a folder and colon before it.
        private boolean isGlobAlone() {
            return isGlob(text) && pattern.equals(text);
        }

        /// Requires that the folder before the colon exists, where the text has one.
        private void requireFolderOfPattern() {
            boolean hasFolder = snapshot == null
                    && text.endsWith(":" + pattern)
                    && !root.toString().equals(text);
            if (hasFolder) {
                requireRoot();
            }
        }

        /// Lists the files that the pattern matches, below the deepest folder that exists and needs no globbing.
        private List<Path> matches() {
            Path folder = root.resolve(pattern.startsWith("/") ? "/" : "");
            String glob = pattern.replaceFirst("^/+", "");
            for (int slash = glob.indexOf('/'); slash >= 0; slash = glob.indexOf('/')) {
                String head = glob.substring(0, slash);
                if (isGlob(head) || !Files.isDirectory(folder.resolve(head))) {
                    break;
                }
                folder = folder.resolve(head);
                glob = glob.substring(slash + 1);
            }
            PathMatcher matcher = matcher(glob);
            Path base = folder;
            int depth = glob.contains("**")
                    ? Integer.MAX_VALUE
                    : Path.of(glob.replaceAll("[*?]", "x")).getNameCount();
            try (Stream<Path> walk = Files.walk(base, depth);
                    Stream<Path> list = Files.list(base)) {
                List<Path> files = walk.filter(Files::isRegularFile)
                        .filter(path -> matcher.matches(base.relativize(path)))
                        .sorted()
                        .toList();
                if (files.isEmpty()) {
                    throw fault("'%s' matches no file in %s; found %s"
                            .formatted(glob, base.toAbsolutePath().normalize(), NameList.of(names(list))));
                }
                return files;
            } catch (IOException e) {
                throw new InvalidFileException(Location.of(base), "cannot be listed: " + e, e);
            }
        }

        /// Names in a folder, those of folders with a slash behind them.
        private static List<String> names(Stream<Path> content) {
            return content.sorted()
                    .map(path -> path.getFileName() + (Files.isDirectory(path) ? "/" : ""))
                    .filter(name -> !name.startsWith("."))
                    .toList();
        }

        private PathMatcher matcher(String glob) {
            try {
                return FileSystems.getDefault().getPathMatcher("glob:" + glob);
            } catch (PatternSyntaxException e) {
                throw new InvalidRequestException(
                        Location.ofField(Objects.requireNonNullElse(option, "pattern")),
                        "'%s' is not a pattern: %s".formatted(glob, e.getDescription()),
                        e);
            }
        }

        private StencilException fault(String what) {
            return option == null ? new InvalidFileException(root, what) : new InvalidRequestException(option, what);
        }
    }
}
