package io.stencil.hub.fetch;

import io.stencil.hub.http.HubHttp;
import io.stencil.hub.http.Subject;
import io.stencil.hub.protocol.RemoteFile;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HexFormat;
import java.util.List;

/// One file from the hub to its place: resumed where it was broken off, checked, renamed.
///
/// @param ranges runs the requests
record FileDownload(HubHttp http, RemoteFile file, URI address, Subject subject, RangePool ranges, Progress progress) {

    /// A file that was broken off may hold what another run left; one that begins anew may not.
    private static final int TRIES = 2;

    /// @param partial where the content gathers
    /// @param target where it goes once it is right
    /// @throws io.stencil.error.HubException when the hub does not give the file that it lists
    void run(Path partial, Path target, long chunkBytes) throws IOException {
        for (int attempt = 1; ; attempt++) {
            byte[] digest = bring(partial, chunkBytes);
            boolean whole = Files.size(partial) == file.size();
            if (whole && file.checksum().accepts(digest)) {
                Files.createDirectories(target.toAbsolutePath().getParent());
                Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                PartialFile.forgetMap(partial);
                return;
            }
            Files.deleteIfExists(partial);
            PartialFile.forgetMap(partial);
            progress.bytes(-file.size());
            if (attempt == TRIES) {
                throw subject.fault("what came is not what the hub lists: expected %s, found %s%s; nothing was kept"
                        .formatted(
                                http.told(file.checksum().text()),
                                HexFormat.of().formatHex(digest),
                                whole ? "" : " and other than %s bytes".formatted(file.size())));
            }
        }
    }

    /// Brings all ranges that are missing and gives the digest of the whole.
    private byte[] bring(Path partial, long chunkBytes) throws IOException {
        try (PartialFile target = PartialFile.open(partial, file.size(), chunkBytes)) {
            List<PartialFile.Range> missing = target.missing();
            long absent = missing.stream().mapToLong(PartialFile.Range::size).sum();
            progress.bytes(file.size() - absent);
            RangeReader reader = new RangeReader(http, address, subject, target, file.size(), progress);
            if (!missing.isEmpty()) {
                // The first range tells whether the server knows ranges at all.
                PartialFile.Range first = missing.getFirst();
                boolean inRanges = ranges.run(() -> reader.read(first));
                if (inRanges) {
                    ranges.runAll(missing.subList(1, missing.size()), range -> {
                        if (!reader.read(range)) {
                            throw subject.fault("the hub gives ranges at one time and whole files at another");
                        }
                    });
                } else {
                    progress.bytes(absent - file.size());
                }
            }
            target.force();
        }
        return ContentHash.of(partial, file.checksum());
    }
}
