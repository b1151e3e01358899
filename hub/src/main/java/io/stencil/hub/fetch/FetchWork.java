package io.stencil.hub.fetch;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.FileLock;
import io.stencil.hub.http.HubCall;
import io.stencil.hub.protocol.Checksum;
import io.stencil.hub.protocol.RemoteFile;
import io.stencil.hub.protocol.Repository;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Path;

/// One fetch: brings each file to its place, where it is not there and right already.
///
/// @param revision that content is asked for: the commit where it is known, so that all files are of one
record FetchWork(
        Fetcher fetcher,
        Repository repository,
        String revision,
        CheckedFiles checked,
        RangePool pool,
        Progress progress,
        FetchListener listener) {

    void bring(RemoteFile file) {
        ModelPlace place = checked.place();
        try {
            place.requireNoLinks(repository, file.path());
            if (checked.isKnown(file)) {
                progress.bytes(file.size());
            } else {
                try (FileLock lock = FileLock.take(
                        place.lock(file.path()),
                        /* shared= */ false,
                        () -> listener.onWaiting(repository, file.path()))) {
                    if (lock == null) {
                        progress.noLocks(place.folder());
                    }
                    bringLocked(file);
                }
            }
            progress.file();
        } catch (ClosedByInterruptException e) {
            throw new RangePool.StoppedException(e);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(place.file(file.path())), "cannot be written: " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RangePool.StoppedException(e);
        }
    }

    private void bringLocked(RemoteFile file) throws IOException {
        ModelPlace place = checked.place();
        Path target = place.file(file.path());
        if (checked.isKnown(file)
                || Fetcher.isRight(file, target)
                || fetcher.cache().adopt(repository, file, checked.commit(), place)) {
            progress.bytes(file.size());
        } else {
            download(file, target);
        }
        if (file.checksum() instanceof Checksum.None) {
            listener.onWarning("%s: '%s': the hub tells no checksum of it; only its size was checked"
                    .formatted(repository, file.path()));
        }
        place.removePartials(file.path());
        checked.remember(file);
    }

    private void download(RemoteFile file, Path target) throws IOException {
        ModelPlace place = checked.place();
        long chunk = fetcher.settings().chunkBytes();
        boolean isKnown = !(file.checksum() instanceof Checksum.None) || checked.commit() != null;
        if (!isKnown) {
            // Nothing tells one version from another: what another run left is not gone on with, and one request
            // brings it all.
            place.removePartials(file.path());
            chunk = Math.max(1, file.size());
        }
        HubCall call = HubCall.get(
                fetcher.protocol().content(repository, revision, file.path()), repository.subject(file.path()));
        new FileDownload(fetcher.http(), file, call, pool, progress, isKnown)
                .run(place.partial(file, checked.commit()), target, chunk);
    }
}
