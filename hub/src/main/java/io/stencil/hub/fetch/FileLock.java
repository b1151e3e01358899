package io.stencil.hub.fetch;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/// Keeps other processes, and other threads of this one, from working on the same file. The system frees it when its
/// process dies.
final class FileLock implements AutoCloseable {

    private static final long POLL_MILLIS = 50;

    private final FileChannel channel;

    private FileLock(FileChannel channel) {
        this.channel = channel;
    }

    /// Waits for the lock.
    ///
    /// @param onWaiting told once, when it cannot be had at once
    /// @throws InterruptedException when this thread is interrupted, whether before it waits or while it does
    static FileLock take(Path file, Runnable onWaiting) throws IOException, InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException("before waiting for " + file);
        }
        Files.createDirectories(file.toAbsolutePath().getParent());
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        boolean taken = false;
        try {
            for (boolean told = false; !taken; ) {
                taken = isTaken(channel);
                if (!taken) {
                    if (!told) {
                        onWaiting.run();
                        told = true;
                    }
                    Thread.sleep(POLL_MILLIS);
                }
            }
            return new FileLock(channel);
        } finally {
            if (!taken) {
                channel.close();
            }
        }
    }

    private static boolean isTaken(FileChannel channel) throws IOException {
        try {
            java.nio.channels.@Nullable FileLock lock = channel.tryLock();
            return lock != null;
        } catch (OverlappingFileLockException e) {
            return false; // another thread of this process has it
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
