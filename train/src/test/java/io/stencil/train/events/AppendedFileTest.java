package io.stencil.train.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Logs on a disk that is full for a while.
class AppendedFileTest {

    @TempDir
    private Path folder;

    private Path file() {
        return folder.resolve("log.txt");
    }

    private FullDisk open() throws IOException {
        return new FullDisk(FileChannel.open(file(), StandardOpenOption.CREATE, StandardOpenOption.WRITE));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void aRecordThatFailedIsNotJoinedWithTheNext() throws IOException {
        Files.writeString(file(), "begun\n");
        FullDisk disk = open();
        try (AppendedFile log = new AppendedFile(file(), disk)) {
            log.append(bytes("one\n"));
            disk.free = 3;
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> log.append(bytes("a long one\n")))
                        .isInstanceOf(InvalidFileException.class)
                        .hasMessage(file() + ": cannot be written: No space left on device");
                assertThat(file()).hasContent("begun\none\na l");
                disk.free = 3;
            }
            disk.free = Long.MAX_VALUE;
            log.append(bytes("2\n"));
            log.force();
        }
        assertThat(file()).hasContent("begun\none\n2\n");
    }

    @Test
    void aTensorBoardLogThatCannotBeginClosesItsFile() throws IOException {
        for (long free : new long[] {0, 40}) {
            FullDisk disk = open();
            disk.free = free;
            AppendedFile log = new AppendedFile(file(), disk);
            assertThatThrownBy(() -> new TensorBoardLog(log, 0, _ -> {}))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessageContaining("No space left on device");
            assertThat(disk.isOpen()).isFalse();
            Files.delete(file());
        }
    }

    /// A channel that writes so many bytes more.
    private static final class FullDisk extends FileChannel {

        private final FileChannel channel;
        private long free = Long.MAX_VALUE;

        FullDisk(FileChannel channel) {
            this.channel = channel;
        }

        @Override
        public int write(ByteBuffer source, long position) throws IOException {
            if (free == 0) {
                throw new IOException("No space left on device");
            }
            int count = (int) Math.min(free, source.remaining());
            ByteBuffer part = source.slice(source.position(), count);
            int written = channel.write(part, position);
            source.position(source.position() + written);
            free -= written;
            return written;
        }

        @Override
        public long size() throws IOException {
            return channel.size();
        }

        @Override
        public FileChannel truncate(long size) throws IOException {
            return channel.truncate(size);
        }

        @Override
        public void force(boolean metaData) throws IOException {
            channel.force(metaData);
        }

        @Override
        protected void implCloseChannel() throws IOException {
            channel.close();
        }

        @Override
        public int write(ByteBuffer source) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long write(ByteBuffer[] sources, int offset, int length) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int read(ByteBuffer target) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long read(ByteBuffer[] targets, int offset, int length) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int read(ByteBuffer target, long position) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long position() {
            throw new UnsupportedOperationException();
        }

        @Override
        public FileChannel position(long newPosition) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long transferTo(long position, long count, WritableByteChannel target) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long transferFrom(ReadableByteChannel source, long position, long count) {
            throw new UnsupportedOperationException();
        }

        @Override
        public MappedByteBuffer map(MapMode mode, long position, long size) {
            throw new UnsupportedOperationException();
        }

        @Override
        public FileLock lock(long position, long size, boolean shared) {
            throw new UnsupportedOperationException();
        }

        @Override
        public FileLock tryLock(long position, long size, boolean shared) {
            throw new UnsupportedOperationException();
        }
    }
}
