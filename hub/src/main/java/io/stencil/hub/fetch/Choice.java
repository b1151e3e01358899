package io.stencil.hub.fetch;

import io.stencil.error.NameList;
import io.stencil.hub.protocol.Listing;
import io.stencil.hub.protocol.RemoteFile;
import io.stencil.hub.protocol.Repository;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// Which files of a listing are fetched.
///
/// @param chosen by the pattern, sorted
/// @param all these, and what weights need beside them: the JSON files of their folder, which tell how to read them
/// @param leftOut JSON files beside weights whose names some system cannot hold, or this one cannot write
record Choice(List<RemoteFile> chosen, List<RemoteFile> all, List<RemoteFile> leftOut) {

    /// Tells that the models of a pipeline lie here in a folder each.
    private static final String PIPELINE = "model_index.json";

    /// @throws io.stencil.error.HubException when the pattern matches nothing that is fetched, or a name is not safe
    static Choice of(Repository repository, Listing listing, String pattern) {
        SafeNames.requireInside(repository, listing.files());
        NamePattern names = new NamePattern(pattern);
        List<RemoteFile> matching = listing.files().stream()
                .filter(file -> names.matches(file.path()))
                .sorted(Comparator.comparing(RemoteFile::path))
                .toList();
        boolean whole = pattern.isEmpty()
                && listing.files().stream().anyMatch(file -> file.path().equals(PIPELINE));
        List<RemoteFile> chosen = matching.stream()
                .filter(file -> FileKinds.isAllowed(file.path()))
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
                boolean isSafe = SafeNames.isSafe(file.path()) && SafeNames.isWritable(file.path());
                (isSafe ? all : leftOut).add(file);
            }
        }
        SafeNames.requireFetchable(repository, all);
        return new Choice(chosen, all, leftOut);
    }

    private static io.stencil.error.HubException nothing(
            Repository repository, Listing listing, String pattern, List<RemoteFile> matching) {
        if (!matching.isEmpty()) {
            return repository
                    .subject(SafeNames.shown(matching.getFirst().path()))
                    .fault("is of a kind that is not fetched; only %s are".formatted(FileKinds.describe()));
        }
        Set<String> tops = new TreeSet<>();
        listing.files().forEach(file -> tops.add(SafeNames.shown(file.path()).replaceFirst("/.*", "/")));
        String what = pattern.isEmpty() ? "holds no file" : "'%s' matches no file".formatted(pattern);
        return repository.subject().fault("%s; found %s".formatted(what, NameList.of(tops)));
    }

    /// Beside the folders of a pipeline, weights at the root hold the same once more, as other programs read them.
    private static boolean isCopyInOneFile(String path) {
        return path.endsWith(".safetensors") && parent(path).isEmpty();
    }

    private static String parent(String path) {
        int slash = path.lastIndexOf('/');
        return slash < 0 ? "" : path.substring(0, slash);
    }

    /// @throws io.stencil.error.HubException when it is more than there can be
    long bytes(Repository repository) {
        try {
            return all.stream().mapToLong(RemoteFile::size).reduce(0, Math::addExact);
        } catch (ArithmeticException e) {
            throw repository.subject().fault("the hub lists files of more bytes than there can be", e);
        }
    }
}
