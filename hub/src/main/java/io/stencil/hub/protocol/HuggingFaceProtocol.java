package io.stencil.hub.protocol;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.hub.http.Credentials;
import io.stencil.hub.http.HubCall;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.http.Token;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Hugging Face: `/api/models/ID/tree/REVISION` in pages, `/ID/resolve/REVISION/PATH`.
public record HuggingFaceProtocol() implements HubProtocol {

    private static final int MAX_PAGES = 1000;
    private static final Pattern NEXT = Pattern.compile("<([^>]+)>\\s*;[^,]*rel=\"?next\"?");

    private record Page(JsonNode entries, Optional<String> next) {}

    @Override
    public Listing list(Repository repository, String revision, HubHttp http) {
        JsonNode info = http.json(HubCall.get(
                URI.create("%s/api/models/%s/revision/%s"
                        .formatted(repository.site(), repository.id(), UrlText.word(revision))),
                repository.subject()));
        String commit = Listing.commitName(info.path("sha").textValue());
        List<RemoteFile> files = new ArrayList<>();
        Optional<URI> page = Optional.of(URI.create("%s/api/models/%s/tree/%s?recursive=true"
                .formatted(repository.site(), repository.id(), UrlText.word(commit == null ? revision : commit))));
        for (int pages = 0; page.isPresent(); pages++) {
            if (pages == MAX_PAGES) {
                throw repository.subject().fault("the hub's listing has more than %s pages".formatted(MAX_PAGES));
            }
            URI uri = page.get();
            HubCall call = HubCall.get(uri, repository.subject());
            Page read = http.send(
                    call,
                    answer -> new Page(
                            http.parse(call, answer),
                            answer.headers().allValues("Link").stream()
                                    .map(NEXT::matcher)
                                    .filter(Matcher::find)
                                    .map(link -> link.group(1))
                                    .findFirst()));
            add(files, read.entries(), repository);
            page = read.next().map(next -> next(uri, next, repository));
        }
        return new Listing(revision, commit, files);
    }

    /// The address of the next page: at the same hub, or, as a mirror may tell it, elsewhere over HTTPS.
    private static URI next(URI page, String link, Repository repository) {
        try {
            URI next = page.resolve(link);
            boolean same = Objects.equals(next.getScheme(), page.getScheme())
                    && Objects.equals(next.getAuthority(), page.getAuthority());
            if (same || ("https".equals(next.getScheme()) && next.getHost() != null)) {
                return next;
            }
        } catch (IllegalArgumentException _) {
            // Told below, as what leads elsewhere is.
        }
        throw repository.subject().fault("the hub's listing goes on at what is no address of the hub");
    }

    private static void add(List<RemoteFile> files, JsonNode entries, Repository repository) {
        if (!entries.isArray()) {
            throw repository.subject().fault("the hub's answer is no listing of files");
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
            files.add(new RemoteFile(entry.path("path").asText(), size, checksum, type.equals("file") && size >= 0));
        }
    }

    private static Checksum gitBlob(JsonNode oid) {
        return oid.isTextual() ? new Checksum.GitBlob(oid.textValue()) : new Checksum.None();
    }

    @Override
    public URI content(Repository repository, String revision, String path) {
        return URI.create("%s/%s/resolve/%s/%s"
                .formatted(repository.site(), repository.id(), UrlText.word(revision), UrlText.path(path)));
    }

    @Override
    public Credentials credentials(HubKind kind, URI site, @Nullable Token token) {
        return new Credentials(token, site, Map.of("Authorization", "Bearer %s"), kind.tokenVariable());
    }
}
