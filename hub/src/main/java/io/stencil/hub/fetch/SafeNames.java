package io.stencil.hub.fetch;

import io.stencil.hub.protocol.RemoteFile;
import io.stencil.hub.protocol.Repository;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/// Refuses names that mean another place than inside a repository's folder, or one place twice.
final class SafeNames {

    /// Names that Windows takes for devices, and characters that some system gives a meaning.
    private static final Pattern UNSAFE_PART = Pattern.compile(
            "\\.|\\.\\.|.*[\\\\:*?\"<>|\\p{Cntrl}].*|.*[. ]|(?i)(?:con|prn|aux|nul|com\\d|lpt\\d)(?:\\..*)?|(?i)\\.git");
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
            for (int end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
                requireOneSpelling(repository, seen, path.substring(0, end), path);
            }
            String other = seen.putIfAbsent(path.toLowerCase(Locale.ROOT), path);
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
        String other = seen.putIfAbsent(folder.toLowerCase(Locale.ROOT), folder);
        if (other != null && !other.equals(folder)) {
            throw repository
                    .subject(path)
                    .fault("and '%s' are one name where case does not count; neither is fetched".formatted(other));
        }
    }

    static boolean isSafe(String path) {
        if (path.isEmpty() || path.length() > MAX_LENGTH || path.startsWith(ModelPlace.PRIVATE + "/")) {
            return false;
        }
        for (String part : path.split("/", -1)) {
            if (part.isEmpty() || UNSAFE_PART.matcher(part).matches()) {
                return false;
            }
        }
        return !path.equalsIgnoreCase(ModelPlace.PRIVATE);
    }
}
