package io.stencil.files;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/// Excludes other processes, and other threads of this one, by a lock of the operating system on a file. The system
/// releases the lock when the process ends, however it ends; the file stays.
public final class FileLock implements AutoCloseable {

    /// Requests a lock from the operating system.
    @FunctionalInterface
    interface Locking {
        /// The operating system's own lock.
        Locking SYSTEM = (channel, shared) -> channel.tryLock(0, Long.MAX_VALUE, shared);

        /// @return null when another process holds it
        java.nio.channels.@Nullable FileLock tryLock(FileChannel channel, boolean shared) throws IOException;
    }

    /// Outcome of one request.
    enum Attempt {
        LOCKED,
        BUSY,
        /// The file system provides no locks, such as NFS without `lockd`.
        UNSUPPORTED
    }

    private static final long POLL_MILLIS = 20;

    /// Files that this process holds. The system's lock is one of the whole process and is lost when any channel on the
    /// file is closed: a file in this set must not be opened a second time.
    private static final Set<Path> HELD = new HashSet<>();

    private final Path file;
    private final FileChannel channel;

    private FileLock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /// Waits for the lock. Threads of one process exclude each other, also where the lock is shared.
    ///
    /// @param file whose parent folders are created
    /// @param shared with other processes that share it
    /// @param onWaiting called once, before the first wait
    /// @return null where the file system provides no locks; no file is left there
    /// @throws InterruptedException when this thread is interrupted, whether before it waits or while it does
    public static @Nullable FileLock take(Path file, boolean shared, Runnable onWaiting)
            throws IOException, InterruptedException {
        return take(file, shared, onWaiting, Locking.SYSTEM);
    }

    static @Nullable FileLock take(Path file, boolean shared, Runnable onWaiting, Locking locking)
            throws IOException, InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException("before waiting for " + file);
        }
        Path folder = Objects.requireNonNull(file.toAbsolutePath().getParent());
        Files.createDirectories(folder);
        Path real = folder.toRealPath().resolve(file.getFileName());
        Runnable notice = once(onWaiting);
        FileLock lock = new FileLock(real, reserve(real, notice));
        boolean taken = false;
        try {
            while (true) {
                switch (attempt(lock.channel, shared, locking)) {
                    case LOCKED -> {
                        taken = true;
                        return lock;
                    }
                    case UNSUPPORTED -> {
                        Files.deleteIfExists(real);
                        return null;
                    }
                    case BUSY -> {
                        notice.run();
                        Thread.sleep(POLL_MILLIS);
                    }
                }
            }
        } finally {
            if (!taken) {
                lock.close();
            }
        }
    }

    private static Runnable once(Runnable action) {
        AtomicBoolean done = new AtomicBoolean();
        return () -> {
            if (done.compareAndSet(false, true)) {
                action.run();
            }
        };
    }

    /// Opens the file when no other thread of this process has it.
    private static FileChannel reserve(Path file, Runnable notice) throws IOException, InterruptedException {
        while (true) {
            synchronized (HELD) {
                if (!HELD.contains(file)) {
                    FileChannel channel = FileChannel.open(
                            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
                    HELD.add(file);
                    return channel;
                }
            }
            notice.run();
            synchronized (HELD) {
                while (HELD.contains(file)) {
                    HELD.wait();
                }
            }
        }
    }

    static Attempt attempt(FileChannel channel, boolean shared, Locking locking) throws ClosedChannelException {
        try {
            return locking.tryLock(channel, shared) == null ? Attempt.BUSY : Attempt.LOCKED;
        } catch (OverlappingFileLockException _) {
            return Attempt.BUSY; // another class loader of this process has it
        } catch (ClosedChannelException e) {
            throw e;
        } catch (IOException _) {
            return Attempt.UNSUPPORTED;
        }
    }

    /// Releases the lock.
    @Override
    public void close() throws IOException {
        synchronized (HELD) {
            try {
                channel.close();
            } finally {
                HELD.remove(file);
                HELD.notifyAll();
            }
        }
    }
}
