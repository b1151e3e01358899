package io.stencil.hub.upload;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.hub.download.FileNames;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.http.HubRequest;
import io.stencil.hub.provider.HubProtocol;
import io.stencil.hub.provider.Listing.RemoteFile;
import io.stencil.hub.provider.Repository;
import io.stencil.hub.upload.UploadPlan.LocalFile;
import io.stencil.json.Json;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;

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

    /// Writes to a hub: creates repositories and commits files.
    private sealed interface Publication {

        boolean exists();

        void create();

        /// Sends the files in one commit.
        ///
        /// @param existing paths of the repository
        /// @param isCommitted queries the hub, after a transient failure that may have come behind the commit
        void commit(List<LocalFile> files, Set<String> existing, BooleanSupplier isCommitted);

        /// Hugging Face: `preupload` names the large files, which go by Git LFS, and `commit` takes lines of JSON.
        record HuggingFace(UploadPlan plan, HubHttp http, LfsUpload lfs) implements Publication {

            private static final int SAMPLE_BYTES = 512;
            /// Files of one `preupload`: the limit of Hugging Face's own client.
            private static final int BATCH = 256;

            @Override
            public boolean exists() {
                return http.find(HubRequest.get(api(""), plan.repository().subject()))
                        .isPresent();
            }

            @Override
            public void create() {
                Repository repository = plan.repository();
                ObjectNode body = Json.MAPPER
                        .createObjectNode()
                        .put("type", "model")
                        .put("name", repository.id().name())
                        .put("organization", repository.id().owner())
                        .put("private", plan.isPrivate());
                if (plan.license() != null) {
                    body.put("license", plan.license());
                }
                HubRequest request = HubRequest.postJson(
                        URI.create(repository.site() + "/api/repos/create"), body.toString(), repository.subject());
                http.change(request, response -> http.parse(request, response), this::exists);
            }

            @Override
            public void commit(List<LocalFile> files, Set<String> existing, BooleanSupplier isCommitted) {
                Set<String> largePaths = largePaths(files);
                Map<String, LocalFile> large = new TreeMap<>();
                StringBuilder lines = new StringBuilder();
                ObjectNode header = Json.MAPPER.createObjectNode().put("key", "header");
                header.putObject("value").put("summary", plan.message()).put("description", "");
                lines.append(header).append('\n');
                for (LocalFile file : files) {
                    ObjectNode line = Json.MAPPER.createObjectNode();
                    if (largePaths.contains(file.path())) {
                        large.put(file.sha256(), file);
                        line.put("key", "lfsFile")
                                .putObject("value")
                                .put("path", file.path())
                                .put("algo", "sha256")
                                .put("oid", file.sha256())
                                .put("size", file.size());
                    } else {
                        line.put("key", "file")
                                .putObject("value")
                                .put("path", file.path())
                                .put("content", file.base64(Integer.MAX_VALUE))
                                .put("encoding", "base64");
                    }
                    lines.append(line).append('\n');
                }
                if (!large.isEmpty()) {
                    sendLarge(large);
                }
                HubRequest request = HubRequest.post(
                        api("/commit/" + revision()),
                        "application/x-ndjson",
                        lines.toString(),
                        plan.repository().subject());
                http.change(request, response -> http.parse(request, response), isCommitted);
            }

            private Set<String> largePaths(List<LocalFile> files) {
                Set<String> large = new HashSet<>();
                for (int begin = 0; begin < files.size(); begin += BATCH) {
                    large.addAll(preupload(files.subList(begin, Math.min(files.size(), begin + BATCH))));
                }
                return large;
            }

            private Set<String> preupload(List<LocalFile> files) {
                ObjectNode body = Json.MAPPER.createObjectNode();
                ArrayNode list = body.putArray("files");
                for (LocalFile file : files) {
                    list.addObject()
                            .put("path", file.path())
                            .put("size", file.size())
                            .put("sample", file.base64(SAMPLE_BYTES));
                }
                JsonNode response = http.json(HubRequest.postJson(
                        api("/preupload/" + revision()),
                        body.toString(),
                        plan.repository().subject()));
                Set<String> large = new HashSet<>();
                Set<String> known = new HashSet<>();
                for (JsonNode file : response.path("files")) {
                    known.add(file.path("path").asText());
                    if (file.path("shouldIgnore").asBoolean()) {
                        throw plan.repository()
                                .subject(file.path("path").asText())
                                .fault("the repository's .gitignore leaves it out; change that at the hub");
                    }
                    if (file.path("uploadMode").asText().equals("lfs")) {
                        large.add(file.path("path").asText());
                    }
                }
                for (LocalFile file : files) {
                    if (!known.contains(file.path())) {
                        throw plan.repository().subject(file.path()).fault("the hub names no way to send it");
                    }
                }
                return large;
            }

            private void sendLarge(Map<String, LocalFile> large) {
                Repository repository = plan.repository();
                ObjectNode batch = Json.MAPPER
                        .createObjectNode()
                        .put("operation", "upload")
                        .put("hash_algo", "sha256");
                batch.putArray("transfers").add("basic").add("multipart");
                batch.putObject("ref").put("name", plan.revision());
                lfs.send(
                        LfsUpload.LFS_JSON,
                        URI.create("%s/%s.git/info/lfs/objects/batch".formatted(repository.site(), repository.id())),
                        batch,
                        large,
                        response -> response.path("objects"));
            }

            private URI api(String rest) {
                return URI.create("%s/api/models/%s%s"
                        .formatted(plan.repository().site(), plan.repository().id(), rest));
            }

            private String revision() {
                return Repository.encode(plan.revision());
            }
        }

        /// ModelScope: large files go by Git LFS, and a commit of actions has the content of small files.
        record ModelScope(UploadPlan plan, HubHttp http, LfsUpload lfs) implements Publication {

            private static final long LARGE = 1 << 20;
            private static final int PRIVATE = 1;
            private static final int PUBLIC = 5;

            @Override
            public boolean exists() {
                Repository repository = plan.repository();
                return http.find(HubRequest.get(
                                URI.create("%s/api/v1/models/%s".formatted(repository.site(), repository.id())),
                                repository.subject()))
                        .isPresent();
            }

            @Override
            public void create() {
                Repository repository = plan.repository();
                ObjectNode body = Json.MAPPER
                        .createObjectNode()
                        .put("Path", repository.id().owner())
                        .put("Name", repository.id().name())
                        .put("ChineseName", repository.id().name())
                        .put("Visibility", plan.isPrivate() ? PRIVATE : PUBLIC)
                        .put("OriginalModelId", "");
                if (plan.license() != null) {
                    body.put("License", plan.license());
                }
                HubRequest request = HubRequest.postJson(
                        URI.create(repository.site() + "/api/v1/models"), body.toString(), repository.subject());
                change(request, this::exists);
            }

            @Override
            public void commit(List<LocalFile> files, Set<String> existing, BooleanSupplier isCommitted) {
                Repository repository = plan.repository();
                Map<String, LocalFile> large = new TreeMap<>();
                ObjectNode body = Json.MAPPER.createObjectNode().put("commit_message", plan.message());
                ArrayNode actions = body.putArray("actions");
                for (LocalFile file : files) {
                    boolean isLarge = isLarge(file);
                    if (isLarge) {
                        large.put(file.sha256(), file);
                    }
                    actions.addObject()
                            .put("action", existing.contains(file.path()) ? "update" : "create")
                            .put("path", file.path())
                            .put("type", isLarge ? "lfs" : "normal")
                            .put("size", file.size())
                            .put("sha256", isLarge ? file.sha256() : "")
                            .put("content", isLarge ? "" : file.base64(Integer.MAX_VALUE))
                            .put("encoding", isLarge ? "" : "base64");
                }
                if (!large.isEmpty()) {
                    lfs.send(
                            "application/json",
                            api("/info/lfs/objects/batch"),
                            Json.MAPPER.createObjectNode().put("operation", "upload"),
                            large,
                            response -> HubProtocol.ModelScope.data(response, repository.subject(), http)
                                    .path("objects"));
                }
                HubRequest request = HubRequest.postJson(
                        api("/commit/" + Repository.encode(plan.revision())), body.toString(), repository.subject());
                change(request, isCommitted);
            }

            private static boolean isLarge(LocalFile file) {
                return file.size() > LARGE
                        || file.path().endsWith(".safetensors")
                        || file.path().endsWith(".jar");
            }

            private URI api(String rest) {
                Repository repository = plan.repository();
                return URI.create("%s/api/v1/repos/models/%s%s".formatted(repository.site(), repository.id(), rest));
            }

            private void change(HubRequest request, BooleanSupplier isDone) {
                http.change(
                        request,
                        response -> HubProtocol.ModelScope.data(http.parse(request, response), request.subject(), http),
                        isDone);
            }
        }
    }
}
