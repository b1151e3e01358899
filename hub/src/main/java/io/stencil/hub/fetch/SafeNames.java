package io.stencil.hub.fetch;

import io.stencil.files.FetchedFolder;
import io.stencil.hub.protocol.RemoteFile;
import io.stencil.hub.protocol.Repository;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/// Refuses names that mean another place than inside a repository's folder, or one place twice.
final class SafeNames {

    /// Names that Windows takes for devices, and characters that some system gives a meaning.
    private static final Pattern UNSAFE_PART = Pattern.compile(
            "\\.|\\.\\.|.*[\\\\:*?\"<>|\\p{Cntrl}].*|.*[. ]|(?i)(?:con|prn|aux|nul|com\\d|lpt\\d)(?:\\..*)?");
    /// What git and a fetch keep in such folders, and trust is judged by.
    private static final Set<String> RESERVED = Set.of(".git", FetchedFolder.PRIVATE);

    private static final int MAX_LENGTH = 1000;

    private SafeNames() {}

    /// @throws io.stencil.error.HubException naming the first file that is refused
    static void requireSafe(Repository repository, List<RemoteFile> listed) {
        for (RemoteFile file : listed) {
            if (!isSafe(file.path())) {
                throw repository
                        .subject(file.path().replaceAll("\\p{Cntrl}", "?"))
                        .fault(
                                "is a name that does not stay inside the folder, or that some systems cannot hold; nothing of this repository is fetched");
            }
        }
    }

    /// @param chosen files that are to lie in one folder
    /// @throws io.stencil.error.HubException when two would lie in the same place where case does not count, or one is
    /// a link
    static void requireDistinct(Repository repository, List<RemoteFile> chosen) {
        Map<String, String> seen = new HashMap<>();
        for (RemoteFile file : chosen) {
            if (!file.plain()) {
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

    /// A folder may come many times, but always in one spelling, and not as a file too.
    private static void requireOneSpelling(
            Repository repository, Map<String, String> seen, String folder, String path) {
        String other = seen.putIfAbsent(folded(folder), folder);
        if (other != null && !other.equals(folder)) {
            throw repository
                    .subject(path)
                    .fault("and '%s' are one name where case does not count; neither is fetched".formatted(other));
        }
    }

    /// The name as systems see it that take letters in either case, or composed in another way, for the same.
    private static String folded(String name) {
        return Normalizer.normalize(name, Normalizer.Form.NFKC)
                .toUpperCase(Locale.ROOT)
                .toLowerCase(Locale.ROOT);
    }

    /// Refuses a name that cannot be written here, as those beyond ASCII where the system's locale is `C`.
    private static void requireWritable(Repository repository, String path) {
        if (!isWritable(path)) {
            throw repository
                    .subject(path)
                    .fault("is a name that this system's locale cannot write (%s); set LC_ALL=C.UTF-8"
                            .formatted(System.getProperty("sun.jnu.encoding")));
        }
    }

    /// Whether this system can name a file so.
    static boolean isWritable(String path) {
        try {
            Path _ = Path.of(path);
            return true;
        } catch (InvalidPathException e) {
            return false;
        }
    }

    static boolean isSafe(String path) {
        if (path.isEmpty() || path.length() > MAX_LENGTH) {
            return false;
        }
        for (String part : path.split("/", -1)) {
            if (part.isEmpty() || UNSAFE_PART.matcher(part).matches() || RESERVED.contains(folded(part))) {
                return false;
            }
        }
        return true;
    }
}
