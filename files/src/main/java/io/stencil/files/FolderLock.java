package io.stencil.files;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Holds an output folder for one writer, by a lock of the operating system on the file `.stencil.lock` in it.
///
/// The system releases the lock when the process ends, however it ends; the file that a killed process leaves is taken
/// over by the next one. The file holds one line that names the holder.
///
/// On network file systems such a lock holds between machines where the server provides locks (NFS: `lockd`, or NFS 4).
public final class FolderLock implements AutoCloseable {

    /// Name of the file in the folder.
    public static final String FILE_NAME = ".stencil.lock";

    private static final int MAX_LINE = 500;

    /// Files that this process holds. The system's lock is one of the whole process and is lost when any channel on the
    /// file is closed: what stands here must not be opened a second time.
    private static final Set<Path> HELD = new HashSet<>();

    private final Path file;
    private final @Nullable FileChannel channel;

    private FolderLock(Path file, @Nullable FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /// Takes the lock, and does not wait for it.
    ///
    /// @param folder that exists
    /// @param option that names the folder, for the message
    /// @param warning receives a message where the file system provides no locks: other runs are not kept off then
    /// @throws InvalidRequestException when another run holds it, naming its process
    /// @throws InvalidFileException when the file cannot be written
    public static FolderLock take(Path folder, String option, Consumer<String> warning) {
        return take(folder, option, warning, FileLock.Locking.SYSTEM);
    }

    static FolderLock take(Path folder, String option, Consumer<String> warning, FileLock.Locking locking) {
        synchronized (HELD) {
            Path file = file(folder);
            if (HELD.contains(file)) {
                throw held(folder, option, "another run of this process");
            }
            try {
                FolderLock lock = take(folder, file, option, locking);
                if (lock == null) {
                    warning.accept(
                            "the file system of '%s' provides no locks; take care that no other run uses the folder"
                                    .formatted(folder));
                    return new FolderLock(file, null);
                }
                return lock;
            } catch (IOException e) {
                throw new InvalidFileException(Location.of(file), "cannot be written: " + e, e);
            }
        }
    }

    /// Refuses a folder that is held, and leaves it as it is.
    ///
    /// @param folder that may not exist yet
    /// @param option that names the folder, for the message
    /// @throws InvalidRequestException when another run holds it, naming its process
    public static void requireFree(Path folder, String option) {
        if (Files.exists(folder.resolve(FILE_NAME))) {
            take(folder, option, _ -> {}).close();
        }
    }

    private static Path file(Path folder) {
        try {
            return folder.toRealPath().resolve(FILE_NAME);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be looked at: " + e, e);
        }
    }

    /// @return null where the file system provides no locks; no file is left there
    private static @Nullable FolderLock take(Path folder, Path file, String option, FileLock.Locking locking)
            throws IOException {
        while (true) {
            Object before = key(file);
            FileChannel channel = FileChannel.open(
                    file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
            boolean taken = false;
            try {
                switch (FileLock.attempt(channel, /* shared= */ false, locking)) {
                    case UNSUPPORTED -> {
                        Files.deleteIfExists(file);
                        return null;
                    }
                    case BUSY -> throw held(folder, option, holder(channel));
                    case LOCKED -> {}
                }
                // Its last holder may have deleted the file since it was opened: then this lock keeps nobody off.
                if (before != null && before.equals(key(file))) {
                    describe(channel);
                    HELD.add(file);
                    taken = true;
                    return new FolderLock(file, channel);
                }
            } finally {
                if (!taken) {
                    channel.close();
                }
            }
        }
    }

    /// @return which file it is, or null when there is none
    private static @Nullable Object key(Path file) throws IOException {
        try {
            Object key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
            return key == null ? file : key;
        } catch (NoSuchFileException _) {
            return null;
        }
    }

    private static void describe(FileChannel channel) throws IOException {
        String line = "process %s on %s, since %s%n"
                .formatted(ProcessHandle.current().pid(), host(), Instant.now().truncatedTo(ChronoUnit.SECONDS));
        channel.truncate(0);
        channel.write(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)), 0);
    }

    private static String holder(FileChannel channel) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(MAX_LINE);
        channel.read(bytes, 0);
        String line = StandardCharsets.UTF_8.decode(bytes.flip()).toString().strip();
        return line.isEmpty() ? "another process" : line;
    }

    private static String host() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException _) {
            return "an unknown host";
        }
    }

    private static InvalidRequestException held(Path folder, String option, String holder) {
        return new InvalidRequestException(
                option,
                "'%s' is in use by another run (%s); wait until it ends, or name another folder"
                        .formatted(folder, holder));
    }

    /// Releases the lock and removes its file, where it is still there.
    @Override
    public void close() {
        synchronized (HELD) {
            FileChannel held = channel;
            if (held == null || !HELD.remove(file)) {
                return;
            }
            try (held) {
                Files.deleteIfExists(file); // while it is locked: who opened it before sees that it is gone
            } catch (IOException _) { // the folder was moved: the lock ends with the channel, and a file does no harm
            }
        }
    }
}
