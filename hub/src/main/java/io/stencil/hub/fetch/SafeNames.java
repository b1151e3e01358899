package io.stencil.hub.fetch;

import io.stencil.files.FetchedFolder;
import io.stencil.hub.protocol.RemoteFile;
import io.stencil.hub.protocol.Repository;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/// Refuses names that mean another place than inside a repository's folder, one place twice, or that some systems
/// cannot hold.
final class SafeNames {

    /// Parts, between slashes of either kind, that lead elsewhere or are no name at all.
    private static final Set<String> LEADING_AWAY = Set.of("", ".", "..");
    private static final Pattern DRIVE = Pattern.compile("[A-Za-z]:.*", Pattern.DOTALL);
    /// Names that Windows takes for devices, and characters that some system gives a meaning.
    private static final Pattern UNPORTABLE_PART = Pattern.compile(
            ".*[\\\\:*?\"<>|\\p{Cc}\\p{Zl}\\p{Zp}\\u202a-\\u202e\\u2066-\\u2069].*|.*[. ]|(?i)(?:con|prn|aux|nul|com\\d|lpt\\d)(?:\\..*)?",
            Pattern.DOTALL);
    /// What git and a fetch keep in such folders, and trust is judged by.
    private static final Set<String> RESERVED = Set.of(".git", FetchedFolder.PRIVATE);

    private static final Pattern INVISIBLE = Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]");

    private static final int MAX_LENGTH = 1000;

    private SafeNames() {}

    /// Refuses a repository that names a place outside its folder, whether that file is chosen or not.
    ///
    /// @throws io.stencil.error.HubException naming the first such file
    static void requireInside(Repository repository, List<RemoteFile> listed) {
        for (RemoteFile file : listed) {
            if (!isInside(file.path())) {
                throw repository
                        .subject(shown(file.path()))
                        .fault("is a name that does not stay inside the folder; nothing of this repository is fetched");
            }
        }
    }

    /// A name without what a terminal does not show, or obeys.
    static String shown(String path) {
        return INVISIBLE.matcher(path).replaceAll("?");
    }

    /// @param chosen files that are to lie in one folder
    /// @throws io.stencil.error.HubException when one is a link or has a name that some system cannot hold, or two
    ///     would lie in the same place where case does not count
    static void requireFetchable(Repository repository, List<RemoteFile> chosen) {
        Map<String, String> seen = new HashMap<>();
        for (RemoteFile file : chosen) {
            if (!isSafe(file.path())) {
                throw repository
                        .subject(shown(file.path()))
                        .fault(
                                "is a name that some systems cannot hold (one of \\ : * ? \" < > |, a control character, a dot or space at the end, or a device of Windows); fetch the other files by a pattern that leaves it out");
            }
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

    /// Whether a file of this name can be fetched, on this system and any other.
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
