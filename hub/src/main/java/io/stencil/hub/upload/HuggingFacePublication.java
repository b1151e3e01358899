package io.stencil.hub.upload;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.hub.http.HubCall;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.protocol.Repository;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;

/// Hugging Face: `preupload` tells which files are large, those go by Git LFS, and `commit` takes lines of JSON.
record HuggingFacePublication(UnfinishedUploads unfinished) implements Publication {

    private static final int SAMPLE_BYTES = 512;
    /// Files of one `preupload`, as Hugging Face's own client asks.
    private static final int ASKED_AT_ONCE = 256;

    @Override
    public boolean exists(UploadPlan plan, HubHttp http) {
        return http.find(HubCall.get(api(plan, ""), plan.repository().subject()))
                .isPresent();
    }

    @Override
    public void create(UploadPlan plan, HubHttp http) {
        Repository repository = plan.repository();
        ObjectNode body = JSON.createObjectNode()
                .put("type", "model")
                .put("name", repository.id().name())
                .put("organization", repository.id().owner())
                .put("private", plan.isPrivate());
        if (plan.license() != null) {
            body.put("license", plan.license());
        }
        HubCall call = HubCall.postJson(
                URI.create(repository.site() + "/api/repos/create"), body.toString(), repository.subject());
        http.change(call, answer -> http.parse(call, answer), () -> exists(plan, http));
    }

    @Override
    public void commit(
            UploadPlan plan,
            List<LocalFile> files,
            Set<String> there,
            HubHttp http,
            UploadListener listener,
            BooleanSupplier isThere) {
        Set<String> largePaths = largePaths(plan, files, http);
        Map<String, LocalFile> large = new TreeMap<>();
        StringBuilder lines = new StringBuilder();
        ObjectNode header = JSON.createObjectNode().put("key", "header");
        header.putObject("value").put("summary", plan.message()).put("description", "");
        lines.append(header).append('\n');
        for (LocalFile file : files) {
            ObjectNode line = JSON.createObjectNode();
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
                        .put("content", Base64.getEncoder().encodeToString(content(file)))
                        .put("encoding", "base64");
            }
            lines.append(line).append('\n');
        }
        if (!large.isEmpty()) {
            sendLarge(plan, large, http, listener);
        }
        HubCall call = HubCall.post(
                api(plan, "/commit/" + revision(plan)),
                "application/x-ndjson",
                lines.toString(),
                plan.repository().subject());
        http.change(call, answer -> http.parse(call, answer), isThere);
    }

    private static Set<String> largePaths(UploadPlan plan, List<LocalFile> files, HubHttp http) {
        Set<String> large = new HashSet<>();
        for (int begin = 0; begin < files.size(); begin += ASKED_AT_ONCE) {
            large.addAll(ask(plan, files.subList(begin, Math.min(files.size(), begin + ASKED_AT_ONCE)), http));
        }
        return large;
    }

    private static Set<String> ask(UploadPlan plan, List<LocalFile> files, HubHttp http) {
        ObjectNode body = JSON.createObjectNode();
        ArrayNode list = body.putArray("files");
        for (LocalFile file : files) {
            list.addObject()
                    .put("path", file.path())
                    .put("size", file.size())
                    .put("sample", Base64.getEncoder().encodeToString(sample(file)));
        }
        JsonNode answer = http.json(HubCall.postJson(
                api(plan, "/preupload/" + revision(plan)),
                body.toString(),
                plan.repository().subject()));
        Set<String> large = new HashSet<>();
        Set<String> known = new HashSet<>();
        for (JsonNode file : answer.path("files")) {
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
                throw plan.repository().subject(file.path()).fault("the hub does not tell how it wants it");
            }
        }
        return large;
    }

    private void sendLarge(UploadPlan plan, Map<String, LocalFile> large, HubHttp http, UploadListener listener) {
        Repository repository = plan.repository();
        ObjectNode batch = JSON.createObjectNode().put("operation", "upload").put("hash_algo", "sha256");
        batch.putArray("transfers").add("basic").add("multipart");
        batch.putObject("ref").put("name", plan.revision());
        new LargeFiles(repository, http, LargeFiles.LFS_JSON, listener, unfinished)
                .send(
                        URI.create("%s/%s.git/info/lfs/objects/batch".formatted(repository.site(), repository.id())),
                        batch,
                        large,
                        answer -> answer.path("objects"));
    }

    private static URI api(UploadPlan plan, String rest) {
        return URI.create("%s/api/models/%s%s"
                .formatted(plan.repository().site(), plan.repository().id(), rest));
    }

    private static String revision(UploadPlan plan) {
        return URLEncoder.encode(plan.revision(), StandardCharsets.UTF_8);
    }

    private static byte[] sample(LocalFile file) {
        try (InputStream in = Files.newInputStream(file.file())) {
            return in.readNBytes(SAMPLE_BYTES);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    static byte[] content(LocalFile file) {
        try {
            return Files.readAllBytes(file.file());
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private static InvalidFileException unreadable(LocalFile file, IOException e) {
        return new InvalidFileException(Location.of(file.file()), "cannot be read: " + e, e);
    }
}
