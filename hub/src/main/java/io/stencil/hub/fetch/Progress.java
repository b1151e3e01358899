package io.stencil.hub.fetch;

import io.stencil.hub.protocol.Repository;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/// Counts what came, for one fetch.
final class Progress {

    private static final long EVERY_NANOS = 100_000_000;

    private final Repository repository;
    private final int allFiles;
    private final long allBytes;
    private final FetchListener listener;
    private final AtomicInteger files = new AtomicInteger();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicBoolean warned = new AtomicBoolean();
    private final AtomicLong toldAt = new AtomicLong(System.nanoTime() - EVERY_NANOS);

    Progress(Repository repository, int allFiles, long allBytes, FetchListener listener) {
        this.repository = repository;
        this.allFiles = allFiles;
        this.allBytes = allBytes;
        this.listener = listener;
    }

    /// @param more may be negative, where a range is fetched again
    void bytes(long more) {
        bytes.addAndGet(more);
        long now = System.nanoTime();
        long last = toldAt.get();
        if (now - last >= EVERY_NANOS && toldAt.compareAndSet(last, now)) {
            tell();
        }
    }

    void file() {
        files.incrementAndGet();
        tell();
    }

    /// Warns once that no lock keeps other processes off the folder.
    void noLocks(Path folder) {
        if (warned.compareAndSet(false, true)) {
            listener.onWarning("the file system of '%s' provides no locks; take care that no other process fetches %s"
                    .formatted(folder, repository));
        }
    }

    /// One at a time, so that what is told last is the latest.
    private synchronized void tell() {
        listener.onProgress(repository, files.get(), allFiles, bytes.get(), allBytes);
    }
}
