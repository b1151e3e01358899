package io.stencil.hub.upload;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.HubException;
import io.stencil.hub.http.HubCall;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.http.RefusalException;
import io.stencil.hub.http.Subject;
import io.stencil.hub.protocol.Repository;
import java.net.URI;
import java.util.Map;
import java.util.Optional;

/// The multipart transfer of one large file: numbered addresses, one for each part, and a last request with the parts'
/// etags. Parts that an earlier run brought there are not sent again.
record MultipartUpload(Repository repository, HubHttp http, UnfinishedUploads unfinished) {

    /// @param upload what the hub asks for now
    void send(LocalFile file, JsonNode upload) {
        PartsOfFile asked = PartsOfFile.of(upload, repository, file);
        Optional<PartsOfFile> earlier = unfinished.find(repository, file).filter(parts -> parts.cut(file));
        if (earlier.isEmpty() || !isAccepted(file, earlier.get())) {
            send(file, asked);
        }
        unfinished.forget(repository, file);
    }

    /// Goes on where an earlier run was broken off, as long as the hub still knows of it.
    private boolean isAccepted(LocalFile file, PartsOfFile earlier) {
        try {
            send(file, earlier);
            return true;
        } catch (HubException e) {
            if (RefusalException.isIn(e)) {
                return false; // its addresses are no longer good: the ones that the hub gives now are
            }
            throw e; // the parts that are there still count when the hub can be reached again
        }
    }

    private void send(LocalFile file, PartsOfFile begun) {
        Subject subject = repository.subject(file.path());
        PartsOfFile parts = begun;
        for (Map.Entry<Integer, URI> part : begun.addresses().entrySet()) {
            if (!begun.etags().containsKey(part.getKey())) {
                parts = parts.with(part.getKey(), put(file, part, begun.partBytes()));
                remember(file, parts);
            }
        }
        ObjectNode done = Publication.JSON.createObjectNode().put("oid", file.sha256());
        ArrayNode list = done.putArray("parts");
        parts.etags()
                .forEach((number, etag) ->
                        list.addObject().put("partNumber", number).put("etag", etag));
        http.send(
                HubCall.post(parts.completion(), LargeFiles.LFS_JSON, done.toString(), subject)
                        .with("Accept", LargeFiles.LFS_JSON),
                answer -> answer.status());
    }

    private String put(LocalFile file, Map.Entry<Integer, URI> part, long partBytes) {
        Subject subject = repository.subject(file.path());
        long begin = (part.getKey() - 1) * partBytes;
        long bytes = Math.min(partBytes, file.size() - begin);
        HubCall call = HubCall.put(part.getValue(), () -> FileSlice.publisher(file.file(), begin, bytes), subject);
        String etag =
                http.send(call, answer -> answer.headers().firstValue("ETag").orElse(""));
        if (etag.isEmpty()) {
            throw subject.fault("the hub gives no ETag for part %s".formatted(part.getKey()));
        }
        return etag;
    }

    /// What holds the token is not written.
    private void remember(LocalFile file, PartsOfFile parts) {
        if (!http.holdsToken(parts.toString())) {
            unfinished.remember(repository, file, parts);
        }
    }
}
