package io.stencil.hub.download;

import io.stencil.files.FetchedFolder;
import io.stencil.hub.provider.Listing.RemoteFile;
import io.stencil.hub.provider.Repository;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Decides by their names which files of a repository may be fetched: weights without code, JSON, text, images, and a
/// Template's code, which runs only when it is trusted; no pickles, scripts and archives. Refuses names that lead out
/// of the repository's folder, mean one place twice, or that some systems cannot hold.
public final class FileNames {

    /// Names of files with code.
    public static final Set<String> CODE = Set.of("Model.java", "model.jar");

    private static final Set<String> EXTENSIONS =
            Set.of("safetensors", "json", "jsonl", "txt", "md", "jinja", "png", "jpg", "jpeg", "webp", "gif");
    private static final Set<String> TEXT_EXTENSIONS = Set.of("txt", "md", "jinja");
    private static final Set<String> NAMES = Set.of("LICENSE", "NOTICE", "SHA256SUMS");

    /// Path segments that lead elsewhere or are empty.
    private static final Set<String> LEADING_AWAY = Set.of("", ".", "..");
    private static final Pattern DRIVE = Pattern.compile("[A-Za-z]:.*", Pattern.DOTALL);
    /// Device names of Windows, and characters that are special on some system.
    private static final Pattern UNPORTABLE_PART = Pattern.compile(
            ".*[\\\\:*?\"<>|\\p{Cc}\\p{Zl}\\p{Zp}\\u202a-\\u202e\\u2066-\\u2069].*|.*[. ]|(?i)(?:con|prn|aux|nul|com\\d|lpt\\d)(?:\\..*)?",
            Pattern.DOTALL);
    /// Folders of git and of a fetch, whose records decide about trust.
    private static final Set<String> RESERVED = Set.of(".git", FetchedFolder.PRIVATE);

    private static final Pattern INVISIBLE = Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]");

    private static final int MAX_LENGTH = 1000;

    private FileNames() {}

    /// Lists the regular files below a folder by their relative paths, with `/` between folders.
    public static SortedMap<String, Path> in(Path folder) throws IOException {
        try (Stream<Path> content = Files.walk(folder)) {
            SortedMap<String, Path> files = new TreeMap<>();
            content.filter(Files::isRegularFile).forEach(file -> files.put(relative(folder, file), file));
            return files;
        }
    }

    /// Returns the path of a file relative to a folder, with `/` between folders.
    public static String relative(Path folder, Path file) {
        return folder.relativize(file).toString().replace(File.separatorChar, '/');
    }

    /// Returns whether files of this kind are fetched.
    ///
    /// @param path inside a repository, with `/` between folders
    public static boolean isAllowed(String path) {
        String name = path.substring(path.lastIndexOf('/') + 1);
        int dot = name.lastIndexOf('.');
        return CODE.contains(name)
                || NAMES.contains(name)
                || (dot > 0 && EXTENSIONS.contains(name.substring(dot + 1).toLowerCase(Locale.ROOT)));
    }

    /// Returns whether a file is text of any form, also HTML.
    static boolean isText(String path) {
        String name = path.substring(path.lastIndexOf('/') + 1);
        String extension = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
        return TEXT_EXTENSIONS.contains(extension) || NAMES.contains(name);
    }

    /// Returns whether a file alone may change what a model does: its code, its weights, and their index.
    public static boolean isDecisive(String path) {
        return CODE.contains(path.substring(path.lastIndexOf('/') + 1))
                || path.endsWith(".safetensors")
                || path.endsWith(".safetensors.index.json");
    }

    /// Names the kinds of files that are fetched, for messages.
    public static String kinds() {
        return "safetensors, JSON, text, images, Model.java and model.jar";
    }

    /// Refuses a repository with any name that leads out of its folder, also of files that are not chosen.
    ///
    /// @throws io.stencil.error.HubException naming the first such file
    static void requireInside(Repository repository, List<RemoteFile> listed) {
        for (RemoteFile file : listed) {
            if (!isInside(file.path())) {
                throw repository
                        .subject(printable(file.path()))
                        .fault("is a name that does not stay inside the folder; nothing of this repository is fetched");
            }
        }
    }

    /// Replaces characters that a terminal hides or obeys.
    static String printable(String path) {
        return INVISIBLE.matcher(path).replaceAll("?");
    }

    /// @param chosen files of one folder
    /// @throws io.stencil.error.HubException when one is a link or has a name that some system cannot hold, or two
    ///     are the same place where case does not count
    static void requireFetchable(Repository repository, List<RemoteFile> chosen) {
        Map<String, String> seen = new HashMap<>();
        for (RemoteFile file : chosen) {
            if (!isSafe(file.path())) {
                throw repository
                        .subject(printable(file.path()))
                        .fault(
                                "is a name that some systems cannot hold (one of \\ : * ? \" < > |, a control character, a dot or space at the end, or a device of Windows); fetch the other files by a pattern that leaves it out");
            }
            if (!file.isPlain()) {
                throw repository.subject(file.path()).fault("is a link or no file; only plain files are fetched");
            }
            String path = file.path();
            requireWritable(repository, path);
            for (int end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
                requireOneSpelling(repository, seen, path.substring(0, end), path);
            }
            String other = seen.putIfAbsent(folded(path), path);
            if (other != null) {
                throw repository
                        .subject(path)
                        .fault("and '%s' are one name where case does not count; neither is fetched".formatted(other));
            }
        }
    }

    /// Refuses a folder in two spellings, or that is a file too.
    private static void requireOneSpelling(
            Repository repository, Map<String, String> seen, String folder, String path) {
        String other = seen.putIfAbsent(folded(folder), folder);
        if (other != null && !other.equals(folder)) {
            throw repository
                    .subject(path)
                    .fault("and '%s' are one name where case does not count; neither is fetched".formatted(other));
        }
    }

    /// Folds case and Unicode composition, as some file systems do.
    private static String folded(String name) {
        return Normalizer.normalize(name, Normalizer.Form.NFKC)
                .toUpperCase(Locale.ROOT)
                .toLowerCase(Locale.ROOT);
    }

    /// Refuses a name beyond the encoding of this system's locale, such as `C`.
    private static void requireWritable(Repository repository, String path) {
        if (!isWritable(path)) {
            throw repository
                    .subject(path)
                    .fault("is a name that this system's locale cannot write (%s); set LC_ALL=C.UTF-8"
                            .formatted(System.getProperty("sun.jnu.encoding")));
        }
    }

    /// Returns whether the encoding of this system's locale has this name.
    static boolean isWritable(String path) {
        try {
            Path _ = Path.of(path);
            return true;
        } catch (InvalidPathException e) {
            return false;
        }
    }

    /// Returns whether every system can hold a file of this name.
    static boolean isSafe(String path) {
        return isInside(path)
                && Arrays.stream(path.split("/", -1))
                        .noneMatch(part -> UNPORTABLE_PART.matcher(part).matches());
    }

    private static boolean isInside(String path) {
        return path.length() <= MAX_LENGTH
                && !DRIVE.matcher(path).matches()
                && Arrays.stream(path.split("[/\\\\]", -1))
                        .noneMatch(part -> LEADING_AWAY.contains(part) || RESERVED.contains(folded(part)));
    }
}
