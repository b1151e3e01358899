package io.stencil.hub.upload;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.http.Subject;
import io.stencil.hub.protocol.Repository;
import java.net.URI;
import java.util.Map;
import java.util.TreeMap;

/// How a hub wants one large file in parts, and which of them it has.
///
/// @param completion address that is told of the end
/// @param addresses of the parts, by their numbers
/// @param etags that the hub gave for the parts that it has, by their numbers
record PartsOfFile(URI completion, long partBytes, Map<Integer, URI> addresses, Map<Integer, String> etags) {

    PartsOfFile {
        addresses = new TreeMap<>(addresses);
        etags = new TreeMap<>(etags);
    }

    /// Reads the hub's action: in its `header` stand the size of a part and the parts' addresses under their numbers.
    ///
    /// @throws io.stencil.error.HubException when they do not cut the file
    static PartsOfFile of(JsonNode upload, Repository repository, LocalFile file) {
        Subject subject = repository.subject(file.path());
        JsonNode header = upload.path("header");
        long partBytes = header.path("chunk_size").asLong();
        if (partBytes <= 0) {
            throw subject.fault("the hub asks for parts of no size");
        }
        Map<Integer, URI> addresses = new TreeMap<>();
        header.properties().forEach(field -> {
            if (field.getKey().matches("\\d{1,9}")) {
                addresses.put(
                        Integer.parseInt(field.getKey()),
                        HubHttp.address(repository.site(), field.getValue().asText(), subject));
            }
        });
        URI completion = HubHttp.address(repository.site(), upload.path("href").asText(), subject);
        PartsOfFile parts = new PartsOfFile(completion, partBytes, addresses, Map.of());
        if (!parts.cut(file)) {
            throw subject.fault("the hub asks for %s parts of %s bytes, the file has %s bytes"
                    .formatted(addresses.size(), partBytes, file.size()));
        }
        return parts;
    }

    /// Whether these are the parts of the file, numbered from 1.
    boolean cut(LocalFile file) {
        long count = partBytes <= 0 ? -1 : Math.ceilDiv(file.size(), partBytes);
        return addresses.size() == count
                && addresses.keySet().stream().allMatch(number -> number >= 1 && number <= count)
                && addresses.keySet().containsAll(etags.keySet());
    }

    PartsOfFile with(int number, String etag) {
        Map<Integer, String> more = new TreeMap<>(etags);
        more.put(number, etag);
        return new PartsOfFile(completion, partBytes, addresses, more);
    }
}
