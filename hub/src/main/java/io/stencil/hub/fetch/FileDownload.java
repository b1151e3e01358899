package io.stencil.hub.fetch;

import io.stencil.hub.http.HubCall;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.http.UnexpectedBody;
import io.stencil.hub.protocol.Checksum;
import io.stencil.hub.protocol.RemoteFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HexFormat;
import java.util.List;

/// One file from the hub to its place: resumed where it was broken off, checked, renamed.
///
/// @param call for the whole file
/// @param ranges runs the requests
/// @param continues see [RangeReader]
record FileDownload(
        HubHttp http, RemoteFile file, HubCall call, RangePool ranges, Progress progress, boolean continues) {

    /// A file that was broken off may hold what another run left; one that begins anew may not.
    private static final int TRIES = 2;

    /// @param partial where the content gathers
    /// @param target where it goes once it is right
    /// @throws io.stencil.error.HubException when the hub does not give the file that it lists
    void run(Path partial, Path target, long chunkBytes) throws IOException {
        for (int attempt = 1; ; attempt++) {
            RangeReader reader = bring(partial, chunkBytes);
            byte[] digest = ContentHash.of(partial, file.checksum());
            boolean whole = Files.size(partial) == file.size();
            UnexpectedBody content = begin(partial, reader.contentType());
            boolean isForeign = reader.isForeign(content);
            boolean isProven = !(file.checksum() instanceof Checksum.None);
            if (whole && file.checksum().accepts(digest) && (isProven || !isForeign)) {
                Files.createDirectories(target.toAbsolutePath().getParent());
                Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                PartialFile.forgetMap(partial);
                return;
            }
            Files.deleteIfExists(partial);
            PartialFile.forgetMap(partial);
            progress.bytes(-file.size());
            if (isForeign) {
                throw reader.unexpected(content);
            }
            if (attempt == TRIES) {
                throw call.subject()
                        .fault("what came is not what the hub lists: expected %s, found %s%s; nothing was kept"
                                .formatted(
                                        http.told(file.checksum().text()),
                                        HexFormat.of().formatHex(digest),
                                        whole ? "" : " and other than %s bytes".formatted(file.size())));
            }
        }
    }

    /// The content type that the server named, and the first bytes.
    private static UnexpectedBody begin(Path partial, String contentType) throws IOException {
        try (InputStream in = Files.newInputStream(partial)) {
            byte[] head = in.readNBytes(UnexpectedBody.PROBE);
            return new UnexpectedBody(contentType, head, head.length < UnexpectedBody.PROBE);
        }
    }

    /// Brings all ranges that are missing.
    private RangeReader bring(Path partial, long chunkBytes) throws IOException {
        RangeReader reader;
        try (PartialFile target = PartialFile.open(partial, file.size(), chunkBytes)) {
            List<PartialFile.Range> missing = target.missing();
            progress.bytes(target.received());
            reader = new RangeReader(http, call, file, target, progress, continues);
            if (!missing.isEmpty()) {
                // The first range tells whether the server knows ranges at all.
                PartialFile.Range first = missing.getFirst();
                if (ranges.run(() -> reader.readFirst(first))) {
                    ranges.runAll(missing.subList(1, missing.size()), reader::readNext);
                }
            }
            target.force();
        }
        return reader;
    }
}
