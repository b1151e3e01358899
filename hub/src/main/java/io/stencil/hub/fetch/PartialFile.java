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

/// A file on its way: its bytes so far, and a map of the ranges that are there. Both outlive the process.
///
/// A range is marked after its bytes were written, so a mark is right wherever the process died. After a power cut the
/// checksum of the whole file tells.
final class PartialFile implements AutoCloseable {

    /// Bytes `begin` up to but not including `end`.
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
                && map.size() == HEADER + count()
                && content.size() <= size;
    }

    /// Bytes of complete ranges that an earlier run left, without opening the file.
    static long bytesIn(Path file, long size, long chunkBytes) throws IOException {
        Path map = mapOf(file);
        if (!Files.isRegularFile(map) || size == 0) {
            return 0;
        }
        byte[] marks = Files.readAllBytes(map);
        boolean same = marks.length == HEADER + Math.ceilDiv(size, chunkBytes)
                && ByteBuffer.wrap(marks).getLong(0) == size
                && ByteBuffer.wrap(marks).getLong(Long.BYTES) == chunkBytes;
        long bytes = 0;
        for (int i = HEADER; same && i < marks.length; i++) {
            long begin = (i - HEADER) * chunkBytes;
            bytes += marks[i] == 0 ? 0 : Math.min(size, begin + chunkBytes) - begin;
        }
        return bytes;
    }

    private int count() {
        return Math.toIntExact(Math.ceilDiv(size, chunkBytes));
    }

    /// Forgets all that came.
    void restart() throws IOException {
        map.truncate(0);
        content.truncate(0);
        ByteBuffer fresh = ByteBuffer.allocate(HEADER + count());
        fresh.putLong(size).putLong(chunkBytes).clear();
        write(map, fresh, 0);
    }

    /// The ranges that are not there yet.
    List<Range> missing() throws IOException {
        ByteBuffer marks = ByteBuffer.allocate(count());
        map.read(marks, HEADER);
        List<Range> missing = new ArrayList<>();
        for (int i = 0; i < count(); i++) {
            if (marks.get(i) == 0) {
                missing.add(new Range(i, i * chunkBytes, Math.min(size, (i + 1) * chunkBytes)));
            }
        }
        return missing;
    }

    /// @throws LocalFault when the disk does not take it
    void write(ByteBuffer bytes, long position) throws IOException {
        guarded(content, bytes, position);
    }

    /// @throws LocalFault when the disk does not take it
    void mark(Range range) throws IOException {
        guarded(map, ByteBuffer.wrap(new byte[] {1}), HEADER + range.index());
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
