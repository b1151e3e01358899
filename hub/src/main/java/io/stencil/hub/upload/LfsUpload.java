package io.stencil.hub.upload;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.IoReason;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.http.HubRequest;
import io.stencil.hub.http.HubRequest.Subject;
import io.stencil.hub.provider.HubProtocol;
import io.stencil.hub.provider.Repository;
import io.stencil.hub.upload.UploadPlan.LocalFile;
import io.stencil.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Uploads large files by Git LFS: queries in batches which objects the hub lacks, and sends those, in parts where
/// the hub requires it. A second run resumes with the first missing file or part.
record LfsUpload(Repository repository, HubHttp http, Uploader.Listener listener, MultipartUpload.Records unfinished) {

    static final String LFS_JSON = "application/vnd.git-lfs+json";

    /// Objects of one batch: the limit of Hugging Face's own client.
    private static final int BATCH = 100;

    /// Headers that Java's client sets itself.
    private static final Set<String> OWN_HEADERS =
            Set.of("host", "content-length", "connection", "transfer-encoding", "expect", "upgrade");

    /// @param contentType of the batches
    /// @param template of a batch, to which objects are added
    /// @param files by SHA-256
    /// @param objects finds the list of objects in a response
    void send(
            String contentType,
            URI address,
            ObjectNode template,
            Map<String, LocalFile> files,
            UnaryOperator<JsonNode> objects) {
        List<LocalFile> all = List.copyOf(files.values());
        for (int begin = 0; begin < all.size(); begin += BATCH) {
            List<LocalFile> part = all.subList(begin, Math.min(all.size(), begin + BATCH));
            ObjectNode batch = template.deepCopy();
            ArrayNode wanted = batch.putArray("objects");
            part.forEach(file -> wanted.addObject().put("oid", file.sha256()).put("size", file.size()));
            HubRequest request = HubRequest.post(address, contentType, batch.toString(), repository.subject())
                    .with("Accept", contentType);
            sendMissing(part, objects.apply(http.json(request)));
        }
    }

    private void sendMissing(List<LocalFile> files, JsonNode objects) {
        Map<String, LocalFile> remaining = new TreeMap<>();
        files.forEach(file -> remaining.put(file.sha256(), file));
        for (JsonNode object : objects) {
            LocalFile file = remaining.remove(object.path("oid").asText());
            if (file != null) {
                send(file, object);
            }
        }
        remaining.values().forEach(file -> listener.onThere(file.path(), file.size(), false));
    }

    private void send(LocalFile file, JsonNode object) {
        Subject subject = repository.subject(file.path());
        if (object.hasNonNull("error")) {
            throw subject.fault("the hub does not take it: "
                    + http.sanitize(object.path("error").path("message").asText()));
        }
        JsonNode upload = object.path("actions").path("upload");
        if (!upload.isObject()) {
            listener.onThere(file.path(), file.size(), false);
            return;
        }
        listener.onSending(file.path(), file.size());
        if (upload.path("header").has("chunk_size")) {
            new MultipartUpload(repository, http, unfinished).send(file, upload);
        } else {
            put(upload, () -> FileSlice.publisher(file.file(), 0, file.size()), subject);
        }
        JsonNode verify = object.path("actions").path("verify");
        if (verify.isObject()) {
            String body = Json.MAPPER
                    .createObjectNode()
                    .put("oid", file.sha256())
                    .put("size", file.size())
                    .toString();
            http.send(
                    headers(HubRequest.post(address(verify, subject), LFS_JSON, body, subject), verify),
                    response -> response.status());
        }
        listener.onThere(file.path(), file.size(), true);
    }

    private void put(JsonNode action, Supplier<BodyPublisher> body, Subject subject) {
        HubRequest request = headers(HubRequest.put(address(action, subject), body, subject), action);
        String response = http.send(request, got -> new String(got.body().readNBytes(1 << 16), StandardCharsets.UTF_8));
        requireStored(response, subject);
    }

    /// ModelScope's storage reports a failure under a status of success; others send nothing, or nothing of this
    /// form.
    private void requireStored(String response, Subject subject) {
        try {
            JsonNode json = Json.FOREIGN.readTree(response);
            if (json != null && HubProtocol.ModelScope.isWrapped(json)) {
                HubProtocol.ModelScope.data(json, subject, http);
            }
        } catch (JsonProcessingException e) {
            return; // without JSON no failure is reported in JSON
        }
    }

    private static HubRequest headers(HubRequest request, JsonNode action) {
        HubRequest signed = request;
        for (Map.Entry<String, JsonNode> header : action.path("header").properties()) {
            if (!OWN_HEADERS.contains(header.getKey().toLowerCase(Locale.ROOT))) {
                signed = signed.with(header.getKey(), header.getValue().asText());
            }
        }
        return signed;
    }

    private URI address(JsonNode action, Subject subject) {
        return HubHttp.address(repository.site(), action.path("href").asText(), subject);
    }

    /// Streams part of a file, which is opened when it is first read.
    static final class FileSlice extends InputStream {

        private final Path file;
        private final long end;
        private long position;
        private @Nullable FileChannel channel;

        FileSlice(Path file, long begin, long bytes) {
            this.file = file;
            this.position = begin;
            this.end = begin + bytes;
        }

        static BodyPublisher publisher(Path file, long begin, long bytes) {
            return bytes == 0
                    ? BodyPublishers.noBody()
                    : BodyPublishers.fromPublisher(
                            BodyPublishers.ofInputStream(() -> new FileSlice(file, begin, bytes)), bytes);
        }

        @Override
        public int read() throws IOException {
            byte[] single = new byte[1];
            return read(single, 0, 1) < 0 ? -1 : single[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            if (position == end) {
                return -1;
            }
            int read;
            try {
                FileChannel open = channel == null ? FileChannel.open(file) : channel;
                channel = open;
                read = open.read(ByteBuffer.wrap(bytes, offset, (int) Math.min(length, end - position)), position);
            } catch (IOException e) {
                throw failure("cannot be read: " + IoReason.of(e), e);
            }
            if (read < 0) {
                throw failure("became shorter while it was sent", null);
            }
            position += read;
            return read;
        }

        /// Names the file, which distinguishes a failure of this machine's disk from one of the connection.
        private FileSystemException failure(String reason, @Nullable IOException cause) {
            FileSystemException failure = new FileSystemException(file.toString(), null, reason);
            failure.initCause(cause);
            return failure;
        }

        @Override
        public void close() throws IOException {
            if (channel != null) {
                channel.close();
            }
        }
    }
}
