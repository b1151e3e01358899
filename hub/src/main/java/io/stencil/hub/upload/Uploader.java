package io.stencil.hub.upload;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.hub.download.FileNames;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.provider.HubProtocol;
import io.stencil.hub.provider.Listing.RemoteFile;
import io.stencil.hub.upload.UploadPlan.LocalFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// Uploads folders. Files that the hub has already are skipped, so that a second run completes a broken one.
///
/// @param records folder with the records of unfinished uploads
public record Uploader(HubProtocol protocol, HubHttp http, Path records) {

    /// @throws io.stencil.error.StencilException naming repository, file and cause; the repository is then unchanged
    public Result upload(UploadPlan plan, Listener listener) {
        MultipartUpload.Records unfinished = new MultipartUpload.Records(records);
        LfsUpload lfs = new LfsUpload(plan.repository(), http, listener, unfinished);
        Publication publication = switch (protocol) {
            case HubProtocol.HuggingFace _ -> new Publication.HuggingFace(plan, http, lfs);
            case HubProtocol.ModelScope _ -> new Publication.ModelScope(plan, http, lfs);
        };
        List<LocalFile> files = plan.files();
        files.forEach(file -> http.requireNoToken(file.file()));
        boolean exists = publication.exists();
        Map<String, RemoteFile> remote = exists ? remote(plan) : Map.of();
        List<String> others = others(files, remote);
        requireNoneDecisive(plan, others);
        List<LocalFile> changed = new ArrayList<>();
        List<String> unchanged = new ArrayList<>();
        for (LocalFile file : files) {
            if (isThere(file, remote)) {
                unchanged.add(file.path());
            } else {
                changed.add(file);
            }
        }
        if (!plan.dryRun()) {
            if (!exists) {
                publication.create();
            }
            if (!changed.isEmpty()) {
                publication.commit(changed, remote.keySet(), () -> areThere(plan, changed));
            }
            files.forEach(file -> unfinished.delete(plan.repository(), file));
        }
        return new Result(
                !exists,
                changed.stream().map(LocalFile::path).toList(),
                unchanged,
                changed.stream().mapToLong(LocalFile::size).sum(),
                others);
    }

    /// Lists what an upload to an empty repository would send, without a request.
    ///
    /// @throws io.stencil.error.StencilException as [#upload] for the folder
    public Result preview(UploadPlan plan) {
        List<LocalFile> files = plan.files();
        files.forEach(file -> http.requireNoToken(file.file()));
        return new Result(
                false,
                files.stream().map(LocalFile::path).toList(),
                List.of(),
                files.stream().mapToLong(LocalFile::size).sum(),
                List.of());
    }

    private static List<String> others(List<LocalFile> files, Map<String, RemoteFile> remote) {
        Set<String> others = new TreeSet<>(remote.keySet());
        files.forEach(file -> others.remove(file.path()));
        return others.stream().filter(UploadPlan::isPublished).toList();
    }

    /// Refuses code and weights of an older package at the hub: they are fetched with this one, and could take its
    /// place.
    private static void requireNoneDecisive(UploadPlan plan, List<String> others) {
        List<String> decisive = others.stream().filter(FileNames::isDecisive).toList();
        if (!decisive.isEmpty()) {
            throw plan.repository()
                    .subject()
                    .fault(
                            "holds %s, which %s has not, and whoever fetches might use it in place of what is sent; delete it there, or name another repository or branch; nothing was sent"
                                    .formatted(NameList.of(decisive), plan.folder()));
        }
    }

    private Map<String, RemoteFile> remote(UploadPlan plan) {
        Map<String, RemoteFile> remote = new HashMap<>();
        protocol.list(plan.repository(), plan.revision(), http).files().forEach(file -> remote.put(file.path(), file));
        return remote;
    }

    private boolean areThere(UploadPlan plan, List<LocalFile> files) {
        Map<String, RemoteFile> remote = remote(plan);
        return files.stream().allMatch(file -> isThere(file, remote));
    }

    private static boolean isThere(LocalFile file, Map<String, RemoteFile> remote) {
        RemoteFile other = remote.get(file.path());
        try {
            return other != null && file.isSame(other.size(), other.checksum());
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file.file()), "cannot be read: " + e, e);
        }
    }

    /// Result of an upload or dry run.
    ///
    /// @param created whether the repository is new
    /// @param changed files that differ from the hub's
    /// @param unchanged files that the hub has already
    /// @param bytes of the changed ones
    /// @param others files of the hub that are fetched with these, and are not in the folder
    public record Result(
            boolean created, List<String> changed, List<String> unchanged, long bytes, List<String> others) {

        public Result {
            changed = List.copyOf(changed);
            unchanged = List.copyOf(unchanged);
            others = List.copyOf(others);
        }
    }

    /// Receives progress of an upload; may be called from several threads.
    public interface Listener {

        Listener NONE = new Listener() {};

        /// The upload of a large file starts.
        default void onSending(String path, long bytes) {}

        /// A large file is at the hub.
        ///
        /// @param sent false where the hub had it already
        default void onThere(String path, long bytes, boolean sent) {}
    }
}
