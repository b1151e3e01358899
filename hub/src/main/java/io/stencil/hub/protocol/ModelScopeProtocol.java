package io.stencil.hub.protocol;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.hub.http.Credentials;
import io.stencil.hub.http.HubCall;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.http.Subject;
import io.stencil.hub.http.Token;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// ModelScope, both sites: `/api/v1/models/ID/repo/files` and `/api/v1/models/ID/repo?FilePath=`; every answer is
/// wrapped in
/// `Code`, `Message`, `Success` and `Data`.
public record ModelScopeProtocol() implements HubProtocol {

    private static final int OK = 200;

    /// What a wrapped answer holds.
    ///
    /// @throws io.stencil.error.HubException when it tells of a failure
    public static JsonNode data(JsonNode answer, Subject subject, HubHttp http) {
        if (isWrapped(answer)
                && answer.path("Success").asBoolean(true)
                && answer.path("Code").asInt(OK) == OK) {
            return answer.path("Data");
        }
        throw subject.fault("the hub refuses the request (%s): %s"
                .formatted(
                        http.told(answer.path("Code").asText()),
                        http.told(answer.path("Message").asText())));
    }

    /// Whether an answer tells of success or failure itself, whatever its status.
    public static boolean isWrapped(JsonNode answer) {
        return answer.has("Success") || answer.has("Code");
    }

    @Override
    public Listing list(Repository repository, String revision, HubHttp http) {
        URI uri = URI.create("%s/api/v1/models/%s/repo/files?Revision=%s&Recursive=true"
                .formatted(repository.site(), repository.id(), UrlText.word(revision)));
        JsonNode data = data(http.json(HubCall.get(uri, repository.subject())), repository.subject(), http);
        JsonNode entries = data.path("Files");
        boolean empty = data.isObject() && (entries.isNull() || entries.isMissingNode());
        if (!entries.isArray() && !empty) {
            throw repository.subject().fault("the hub's answer is no listing of files");
        }
        if (data.path("TotalCount").asInt() > entries.size()) {
            throw repository
                    .subject()
                    .fault("the hub lists %s of %s files"
                            .formatted(entries.size(), data.path("TotalCount").asInt()));
        }
        List<RemoteFile> files = new ArrayList<>();
        for (JsonNode entry : entries) {
            String type = entry.path("Type").asText();
            if (!type.equals("tree")) {
                files.add(file(entry, type));
            }
        }
        return new Listing(
                revision,
                Listing.commitName(data.path("LatestCommitter").path("Id").textValue()),
                files);
    }

    private static RemoteFile file(JsonNode entry, String type) {
        String sha = entry.path("Sha256").asText();
        long size = entry.path("Size").asLong(-1);
        boolean link = entry.path("Mode").asText().startsWith("120");
        return new RemoteFile(
                entry.path("Path").asText(),
                size,
                sha.isEmpty() ? new Checksum.None() : new Checksum.Sha256(sha),
                type.equals("blob") && size >= 0 && !link);
    }

    @Override
    public URI content(Repository repository, String revision, String path) {
        return URI.create("%s/api/v1/models/%s/repo?Revision=%s&FilePath=%s"
                .formatted(repository.site(), repository.id(), UrlText.word(revision), UrlText.word(path)));
    }

    @Override
    public Credentials credentials(HubKind kind, URI site, @Nullable Token token) {
        return new Credentials(
                token, site, Map.of("Authorization", "Bearer %s", "Cookie", "m_session_id=%s"), kind.tokenVariable());
    }
}
