package io.stencil.hub.download;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;

/// Looks at a place all the time, where there may be one of two files or none.
final class PlaceWatch implements AutoCloseable {

    private static final long EVERY_NANOS = 100_000;

    private final Path place;
    private final byte[] older;
    private final byte[] newer;
    private final List<String> faults = new CopyOnWriteArrayList<>();
    private volatile boolean ended;

    /// @param newer of another size than `older`
    PlaceWatch(Path place, byte[] older, byte[] newer) {
        this.place = place;
        this.older = older;
        this.newer = newer;
        Thread.ofPlatform().daemon().start(this::watch);
    }

    /// The size is read often: reading it all would take longer than a part of a file would be there.
    private void watch() {
        while (!ended) {
            try {
                long size = Files.size(place);
                if (size != older.length && size != newer.length) {
                    faults.add("%s bytes were there".formatted(size));
                }
            } catch (NoSuchFileException e) {
                // There may be none.
                Thread.onSpinWait();
            } catch (IOException e) {
                faults.add(e.toString());
            }
            LockSupport.parkNanos(EVERY_NANOS);
        }
    }

    /// Looks at the content too.
    void look() throws IOException {
        if (Files.exists(place)) {
            byte[] found = Files.readAllBytes(place);
            if (!Arrays.equals(found, older) && !Arrays.equals(found, newer)) {
                faults.add("%s bytes of something else are there".formatted(found.length));
            }
        }
    }

    /// What was seen that may not be.
    List<String> faults() {
        return faults;
    }

    @Override
    public void close() {
        ended = true;
    }
}
