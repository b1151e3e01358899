package io.stencil.hub.download;

import io.stencil.error.IoReason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/// Partly downloaded file: its bytes, and a map with the number of received bytes of each range. Both outlive the
/// process.
///
/// The record of a range is written after its bytes, so it is right wherever the process died. After a power cut the
/// checksum of the whole file decides.
final class PartialFile implements AutoCloseable {

    /// Missing bytes of a range of the map: `begin` up to but not including `end`.
    record Range(int index, long begin, long end) {
        long size() {
            return end - begin;
        }
    }

    private static final int HEADER = 2 * Long.BYTES;

    private final Path file;
    private final long size;
    private final long chunkBytes;
    private final FileChannel content;
    private final FileChannel map;

    private PartialFile(Path file, long size, long chunkBytes) throws IOException {
        this.file = file;
        this.size = size;
        this.chunkBytes = chunkBytes;
        Files.createDirectories(file.toAbsolutePath().getParent());
        this.content = open(file);
        FileChannel opened = null;
        try {
            opened = open(mapOf(file));
        } finally {
            if (opened == null) {
                content.close();
            }
        }
        this.map = opened;
    }

    /// Resumes a partial file of the same size and ranges, or starts a new one.
    static PartialFile open(Path file, long size, long chunkBytes) throws IOException {
        PartialFile partial = new PartialFile(file, size, chunkBytes);
        if (!partial.isSame()) {
            partial.restart();
        }
        return partial;
    }

    private static FileChannel open(Path file) throws IOException {
        return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    private static Path mapOf(Path file) {
        return file.resolveSibling(file.getFileName() + ".map");
    }

    private boolean isSame() throws IOException {
        ByteBuffer header = ByteBuffer.allocate(HEADER);
        map.read(header, 0);
        return !header.hasRemaining()
                && header.getLong(0) == size
                && header.getLong(Long.BYTES) == chunkBytes
                && map.size() == mapBytes(size, chunkBytes)
                && content.size() <= size;
    }

    private static long mapBytes(long size, long chunkBytes) {
        return HEADER + Math.ceilDiv(size, chunkBytes) * Long.BYTES;
    }

    /// Counts the bytes that an earlier run left, without opening the file.
    static long bytesIn(Path file, long size, long chunkBytes) throws IOException {
        Path map = mapOf(file);
        if (!Files.isRegularFile(map) || size == 0) {
            return 0;
        }
        ByteBuffer records = ByteBuffer.wrap(Files.readAllBytes(map));
        boolean same = records.limit() == mapBytes(size, chunkBytes)
                && records.getLong(0) == size
                && records.getLong(Long.BYTES) == chunkBytes;
        long bytes = 0;
        for (int i = 0; same && HEADER + i * Long.BYTES < records.limit(); i++) {
            bytes += received(records.getLong(HEADER + i * Long.BYTES), length(i, size, chunkBytes));
        }
        return bytes;
    }

    private static long length(int index, long size, long chunkBytes) {
        return Math.min(size, (index + 1) * chunkBytes) - index * chunkBytes;
    }

    /// Ignores an impossible record.
    private static long received(long recorded, long length) {
        return recorded < 0 || recorded > length ? 0 : recorded;
    }

    private int count() {
        return Math.toIntExact(Math.ceilDiv(size, chunkBytes));
    }

    /// Discards all received bytes.
    void restart() throws IOException {
        map.truncate(0);
        content.truncate(0);
        ByteBuffer fresh = ByteBuffer.allocate(Math.toIntExact(mapBytes(size, chunkBytes)));
        fresh.putLong(size).putLong(chunkBytes).clear();
        write(map, fresh, 0);
    }

    /// Lists the missing bytes of each incomplete range.
    List<Range> missing() throws IOException {
        List<Range> missing = new ArrayList<>();
        for (int i = 0; i < count(); i++) {
            long end = i * chunkBytes + length(i, size, chunkBytes);
            long begin = i * chunkBytes + recorded(i);
            if (begin < end) {
                missing.add(new Range(i, begin, end));
            }
        }
        return missing;
    }

    long received() throws IOException {
        long bytes = 0;
        for (int i = 0; i < count(); i++) {
            bytes += recorded(i);
        }
        return bytes;
    }

    private long recorded(int index) throws IOException {
        ByteBuffer record = ByteBuffer.allocate(Long.BYTES);
        map.read(record, HEADER + (long) index * Long.BYTES);
        return record.hasRemaining() ? 0 : received(record.getLong(0), length(index, size, chunkBytes));
    }

    /// @throws FileSystemException when the disk fails
    void write(ByteBuffer bytes, long position) throws IOException {
        guarded(content, bytes, position);
    }

    /// Records that a range was received up to, but not including, `position`.
    ///
    /// @throws FileSystemException when the disk fails
    void recordReceived(Range range, long position) throws IOException {
        ByteBuffer record = ByteBuffer.allocate(Long.BYTES).putLong(position - range.index() * chunkBytes);
        guarded(map, record.flip(), HEADER + (long) range.index() * Long.BYTES);
    }

    private void guarded(FileChannel channel, ByteBuffer bytes, long position) throws IOException {
        try {
            write(channel, bytes, position);
        } catch (ClosedChannelException e) {
            throw e; // the thread was interrupted
        } catch (IOException e) {
            throw (FileSystemException)
                    new FileSystemException(file.toString(), null, "cannot be written: " + IoReason.of(e)).initCause(e);
        }
    }

    private static void write(FileChannel channel, ByteBuffer bytes, long position) throws IOException {
        long at = position;
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
    }

    void force() throws IOException {
        content.force(true);
    }

    static void deleteMap(Path file) throws IOException {
        Files.deleteIfExists(mapOf(file));
    }

    @Override
    public void close() throws IOException {
        content.close();
        map.close();
    }
}
