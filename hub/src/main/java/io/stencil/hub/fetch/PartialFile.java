package io.stencil.hub.fetch;

import io.stencil.hub.http.LocalFault;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/// A file on its way: its bytes so far, and a map that records how many bytes of each range are there. Both outlive the
/// process.
///
/// The record of a range is written after its bytes, so it is right wherever the process died. After a power cut the
/// checksum of the whole file tells.
final class PartialFile implements AutoCloseable {

    /// Bytes `begin` up to but not including `end`: what is missing of a range of the map.
    record Range(int index, long begin, long end) {
        long size() {
            return end - begin;
        }
    }

    private static final int HEADER = 2 * Long.BYTES;

    private final Path file;
    private final Path mapFile;
    private final long size;
    private final long chunkBytes;
    private final FileChannel content;
    private final FileChannel map;

    private PartialFile(Path file, long size, long chunkBytes) throws IOException {
        this.file = file;
        this.mapFile = mapOf(file);
        this.size = size;
        this.chunkBytes = chunkBytes;
        Files.createDirectories(file.toAbsolutePath().getParent());
        this.content = open(file);
        FileChannel opened = null;
        try {
            opened = open(mapFile);
        } finally {
            if (opened == null) {
                content.close();
            }
        }
        this.map = opened;
    }

    /// Goes on with what is there, where it is of the same size and cut.
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

    /// Bytes that an earlier run left, without opening the file.
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

    /// A record that cannot be is none.
    private static long received(long recorded, long length) {
        return recorded < 0 || recorded > length ? 0 : recorded;
    }

    private int count() {
        return Math.toIntExact(Math.ceilDiv(size, chunkBytes));
    }

    /// Forgets all that came.
    void restart() throws IOException {
        map.truncate(0);
        content.truncate(0);
        ByteBuffer fresh = ByteBuffer.allocate(Math.toIntExact(mapBytes(size, chunkBytes)));
        fresh.putLong(size).putLong(chunkBytes).clear();
        write(map, fresh, 0);
    }

    /// What is missing of each range that is not there yet.
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

    /// Bytes that are there.
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

    /// @throws LocalFault when the disk does not take it
    void write(ByteBuffer bytes, long position) throws IOException {
        guarded(content, bytes, position);
    }

    /// Records that a range is there up to, but not including, `position`.
    ///
    /// @throws LocalFault when the disk does not take it
    void reached(Range range, long position) throws IOException {
        ByteBuffer record = ByteBuffer.allocate(Long.BYTES).putLong(position - range.index() * chunkBytes);
        guarded(map, record.flip(), HEADER + (long) range.index() * Long.BYTES);
    }

    private void guarded(FileChannel channel, ByteBuffer bytes, long position) throws IOException {
        try {
            write(channel, bytes, position);
        } catch (ClosedChannelException e) {
            throw e; // this work was stopped
        } catch (IOException e) {
            throw new LocalFault(file, "cannot be written", e);
        }
    }

    private static void write(FileChannel channel, ByteBuffer bytes, long position) throws IOException {
        long at = position;
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
    }

    /// Brings all bytes to the disk.
    void force() throws IOException {
        content.force(true);
    }

    /// Removes the file and its map.
    void discard() throws IOException {
        close();
        Files.deleteIfExists(file);
        Files.deleteIfExists(mapFile);
    }

    /// Removes the map of a file that was moved to its place.
    static void forgetMap(Path file) throws IOException {
        Files.deleteIfExists(mapOf(file));
    }

    @Override
    public void close() throws IOException {
        content.close();
        map.close();
    }
}
