package io.stencil.hub.upload;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.hub.http.HubCall;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.protocol.ModelScopeProtocol;
import io.stencil.hub.protocol.Repository;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;

/// ModelScope: large files by Git LFS, and a commit of actions, with the content of small files in them.
record ModelScopePublication(UnfinishedUploads unfinished) implements Publication {

    private static final long LARGE = 1 << 20;
    private static final int PRIVATE = 1;
    private static final int PUBLIC = 5;

    @Override
    public boolean exists(UploadPlan plan, HubHttp http) {
        Repository repository = plan.repository();
        return http.find(HubCall.get(
                        URI.create("%s/api/v1/models/%s".formatted(repository.site(), repository.id())),
                        repository.subject()))
                .isPresent();
    }

    @Override
    public void create(UploadPlan plan, HubHttp http) {
        Repository repository = plan.repository();
        ObjectNode body = JSON.createObjectNode()
                .put("Path", repository.id().owner())
                .put("Name", repository.id().name())
                .put("ChineseName", repository.id().name())
                .put("Visibility", plan.isPrivate() ? PRIVATE : PUBLIC)
                .put("OriginalModelId", "");
        if (plan.license() != null) {
            body.put("License", plan.license());
        }
        HubCall call = HubCall.postJson(
                URI.create(repository.site() + "/api/v1/models"), body.toString(), repository.subject());
        change(call, http, () -> exists(plan, http));
    }

    @Override
    public void commit(
            UploadPlan plan,
            List<LocalFile> files,
            Set<String> there,
            HubHttp http,
            UploadListener listener,
            BooleanSupplier isThere) {
        Repository repository = plan.repository();
        Map<String, LocalFile> large = new TreeMap<>();
        ObjectNode body = JSON.createObjectNode().put("commit_message", plan.message());
        ArrayNode actions = body.putArray("actions");
        for (LocalFile file : files) {
            boolean isLarge = isLarge(file);
            if (isLarge) {
                large.put(file.sha256(), file);
            }
            actions.addObject()
                    .put("action", there.contains(file.path()) ? "update" : "create")
                    .put("path", file.path())
                    .put("type", isLarge ? "lfs" : "normal")
                    .put("size", file.size())
                    .put("sha256", isLarge ? file.sha256() : "")
                    .put(
                            "content",
                            isLarge ? "" : Base64.getEncoder().encodeToString(HuggingFacePublication.content(file)))
                    .put("encoding", isLarge ? "" : "base64");
        }
        if (!large.isEmpty()) {
            new LargeFiles(repository, http, "application/json", listener, unfinished)
                    .send(
                            api(repository, "/info/lfs/objects/batch"),
                            JSON.createObjectNode().put("operation", "upload"),
                            large,
                            answer -> ModelScopeProtocol.data(answer, repository.subject(), http)
                                    .path("objects"));
        }
        HubCall call = HubCall.postJson(
                api(repository, "/commit/" + URLEncoder.encode(plan.revision(), StandardCharsets.UTF_8)),
                body.toString(),
                repository.subject());
        change(call, http, isThere);
    }

    private static boolean isLarge(LocalFile file) {
        return file.size() > LARGE
                || file.path().endsWith(".safetensors")
                || file.path().endsWith(".jar");
    }

    private static URI api(Repository repository, String rest) {
        return URI.create("%s/api/v1/repos/models/%s%s".formatted(repository.site(), repository.id(), rest));
    }

    private static void change(HubCall call, HubHttp http, BooleanSupplier isDone) {
        http.change(call, answer -> ModelScopeProtocol.data(http.parse(call, answer), call.subject(), http), isDone);
    }
}
