package io.stencil.hub.upload;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.hub.fetch.FileKinds;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.protocol.HubProtocol;
import io.stencil.hub.protocol.HuggingFaceProtocol;
import io.stencil.hub.protocol.ModelScopeProtocol;
import io.stencil.hub.protocol.RemoteFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// Publishes folders: what the hub has already is left alone, so a second run of a broken one sends the rest.
///
/// @param memory folder where it is remembered which parts of large files are there
public record Uploader(HubProtocol protocol, HubHttp http, Path memory) {

    /// @throws io.stencil.error.StencilException naming repository, file and cause; the repository is then as it was
    public UploadResult upload(UploadPlan plan, UploadListener listener) {
        UnfinishedUploads unfinished = new UnfinishedUploads(memory);
        Publication publication = switch (protocol) {
            case HuggingFaceProtocol _ -> new HuggingFacePublication(unfinished);
            case ModelScopeProtocol _ -> new ModelScopePublication(unfinished);
        };
        List<LocalFile> files = plan.files();
        files.forEach(file -> http.requireNoToken(file.file()));
        boolean exists = publication.exists(plan, http);
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
                publication.create(plan, http);
            }
            if (!changed.isEmpty()) {
                publication.commit(plan, changed, remote.keySet(), http, listener, () -> areThere(plan, changed));
            }
            files.forEach(file -> unfinished.forget(plan.repository(), file));
        }
        return new UploadResult(
                !exists,
                changed.stream().map(LocalFile::path).toList(),
                unchanged,
                changed.stream().mapToLong(LocalFile::size).sum(),
                others);
    }

    /// What an upload would send of a folder if the hub had nothing of it. The hub is not asked.
    ///
    /// @throws io.stencil.error.StencilException as [#upload] does for what is wrong with the folder
    public UploadResult preview(UploadPlan plan) {
        List<LocalFile> files = plan.files();
        files.forEach(file -> http.requireNoToken(file.file()));
        return new UploadResult(
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

    /// What an older package left at the hub is fetched with this one, and could be used in its place.
    private static void requireNoneDecisive(UploadPlan plan, List<String> others) {
        List<String> decisive = others.stream().filter(FileKinds::isDecisive).toList();
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
}
