package io.stencil.hub.provider;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.hub.http.Credentials;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.http.HubRequest;
import io.stencil.hub.http.HubRequest.Subject;
import io.stencil.hub.http.Token;
import io.stencil.hub.provider.Listing.Checksum;
import io.stencil.hub.provider.Listing.RemoteFile;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Reads from a hub: lists repositories and addresses their files.
public sealed interface HubProtocol {

    /// Lists all files of a revision.
    ///
    /// @throws io.stencil.error.HubException when the hub refuses, fails, or responds without a listing
    Listing list(Repository repository, String revision, HubHttp http);

    /// Returns the address of a file's content, which often redirects.
    URI content(Repository repository, String revision, String path);

    /// Returns the authentication of requests to `site`.
    Credentials credentials(HubKind kind, URI site, @Nullable Token token);

    static HubProtocol of(HubKind kind) {
        return switch (kind) {
            case HUGGING_FACE -> new HuggingFace();
            case MODELSCOPE, MODELSCOPE_INTERNATIONAL -> new ModelScope();
        };
    }

    /// Hugging Face: `/api/models/ID/tree/REVISION` in pages, `/ID/resolve/REVISION/PATH`.
    record HuggingFace() implements HubProtocol {

        private static final int MAX_PAGES = 1000;
        private static final Pattern NEXT = Pattern.compile("<([^>]+)>\\s*;[^,]*rel=\"?next\"?");

        private record Page(JsonNode entries, Optional<String> next) {}

        @Override
        public Listing list(Repository repository, String revision, HubHttp http) {
            JsonNode info = http.json(HubRequest.get(
                    URI.create("%s/api/models/%s/revision/%s"
                            .formatted(repository.site(), repository.id(), Repository.encode(revision))),
                    repository.subject()));
            String commit = Listing.commitName(info.path("sha").textValue());
            List<RemoteFile> files = new ArrayList<>();
            Optional<URI> page = Optional.of(URI.create("%s/api/models/%s/tree/%s?recursive=true"
                    .formatted(
                            repository.site(),
                            repository.id(),
                            Repository.encode(commit == null ? revision : commit))));
            for (int pages = 0; page.isPresent(); pages++) {
                if (pages == MAX_PAGES) {
                    throw repository.subject().fault("the hub's listing has more than %s pages".formatted(MAX_PAGES));
                }
                URI uri = page.get();
                HubRequest request = HubRequest.get(uri, repository.subject());
                Page read = http.send(
                        request,
                        response -> new Page(
                                http.parse(request, response),
                                response.headers().allValues("Link").stream()
                                        .map(NEXT::matcher)
                                        .filter(Matcher::find)
                                        .map(link -> link.group(1))
                                        .findFirst()));
                add(files, read.entries(), repository);
                page = read.next().map(next -> next(uri, next, repository));
            }
            return new Listing(revision, commit, files);
        }

        /// Resolves the address of the next page: at the same hub, or, as of some mirrors, elsewhere over HTTPS.
        private static URI next(URI page, String link, Repository repository) {
            try {
                URI next = page.resolve(link);
                boolean same = Objects.equals(next.getScheme(), page.getScheme())
                        && Objects.equals(next.getAuthority(), page.getAuthority());
                if (same || ("https".equals(next.getScheme()) && next.getHost() != null)) {
                    return next;
                }
            } catch (IllegalArgumentException _) {
                // Reported below, as other unusable addresses are.
            }
            throw repository.subject().fault("the hub's listing continues at a URL outside the hub");
        }

        private static void add(List<RemoteFile> files, JsonNode entries, Repository repository) {
            if (!entries.isArray()) {
                throw repository.subject().fault("the hub's answer is not a listing of files");
            }
            for (JsonNode entry : entries) {
                String type = entry.path("type").asText();
                if (type.equals("directory")) {
                    continue;
                }
                JsonNode large = entry.path("lfs");
                Checksum checksum = large.path("oid").isTextual()
                        ? new Checksum.Sha256(large.path("oid").textValue())
                        : gitBlob(entry.path("oid"));
                long size = large.path("size").canConvertToExactIntegral()
                        ? large.path("size").longValue()
                        : entry.path("size").asLong(-1);
                files.add(
                        new RemoteFile(entry.path("path").asText(), size, checksum, type.equals("file") && size >= 0));
            }
        }

        private static Checksum gitBlob(JsonNode oid) {
            return oid.isTextual() ? new Checksum.GitBlob(oid.textValue()) : new Checksum.None();
        }

        @Override
        public URI content(Repository repository, String revision, String path) {
            return URI.create("%s/%s/resolve/%s/%s"
                    .formatted(
                            repository.site(),
                            repository.id(),
                            Repository.encode(revision),
                            Repository.encodePath(path)));
        }

        @Override
        public Credentials credentials(HubKind kind, URI site, @Nullable Token token) {
            return new Credentials(token, site, Map.of("Authorization", "Bearer %s"), kind.tokenVariable());
        }
    }

    /// ModelScope, both sites: `/api/v1/models/ID/repo/files` and `/api/v1/models/ID/repo?FilePath=`. Responses are
    /// wrapped in `Code`, `Message`, `Success` and `Data`.
    record ModelScope() implements HubProtocol {

        private static final int OK = 200;

        /// Unwraps a response.
        ///
        /// @throws io.stencil.error.HubException when it reports a failure
        public static JsonNode data(JsonNode response, Subject subject, HubHttp http) {
            if (isWrapped(response)
                    && response.path("Success").asBoolean(true)
                    && response.path("Code").asInt(OK) == OK) {
                return response.path("Data");
            }
            throw subject.fault("the hub refuses the request (%s): %s"
                    .formatted(
                            http.sanitize(response.path("Code").asText()),
                            http.sanitize(response.path("Message").asText())));
        }

        /// Returns whether a response reports success or failure itself, whatever its status.
        public static boolean isWrapped(JsonNode response) {
            return response.has("Success") || response.has("Code");
        }

        @Override
        public Listing list(Repository repository, String revision, HubHttp http) {
            URI uri = URI.create("%s/api/v1/models/%s/repo/files?Revision=%s&Recursive=true"
                    .formatted(repository.site(), repository.id(), Repository.encode(revision)));
            JsonNode data = data(http.json(HubRequest.get(uri, repository.subject())), repository.subject(), http);
            JsonNode entries = data.path("Files");
            boolean empty = data.isObject() && (entries.isNull() || entries.isMissingNode());
            if (!entries.isArray() && !empty) {
                throw repository.subject().fault("the hub's answer is not a listing of files");
            }
            if (data.path("TotalCount").asInt() > entries.size()) {
                throw repository
                        .subject()
                        .fault("the hub lists %s of %s files"
                                .formatted(
                                        entries.size(), data.path("TotalCount").asInt()));
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
                    .formatted(
                            repository.site(), repository.id(), Repository.encode(revision), Repository.encode(path)));
        }

        @Override
        public Credentials credentials(HubKind kind, URI site, @Nullable Token token) {
            return new Credentials(
                    token,
                    site,
                    Map.of("Authorization", "Bearer %s", "Cookie", "m_session_id=%s"),
                    kind.tokenVariable());
        }
    }
}
