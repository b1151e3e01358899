package io.stencil.train.events;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;

/// Appends records to a log. What a failed append has written of its record is cut off before the next one, so that
/// records are never joined.
final class AppendedFile implements AutoCloseable {

    private final Path file;
    private final FileChannel channel;
    private long end;
    private boolean torn;

    /// Opens a file for writing behind its present end.
    ///
    /// @param options beside that for writing
    AppendedFile(Path file, OpenOption... options) throws IOException {
        this(file, FileChannel.open(file, options));
    }

    /// @param channel open for writing, and not for appending; closed with this object
    AppendedFile(Path file, FileChannel channel) throws IOException {
        this.file = file;
        this.channel = channel;
        this.end = channel.size();
    }

    /// Appends a record, which is in the file when this returns.
    ///
    /// @throws InvalidFileException when it cannot be written
    void append(byte[] record) {
        ByteBuffer buffer = ByteBuffer.wrap(record);
        try {
            if (torn) {
                channel.truncate(end);
            }
            torn = true;
            while (buffer.hasRemaining()) {
                channel.write(buffer, end + buffer.position());
            }
            torn = false;
            end += record.length;
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /// Brings all records to the disk.
    ///
    /// @throws InvalidFileException when that fails
    void force() {
        try {
            channel.force(false);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    private InvalidFileException unwritable(IOException e) {
        return new InvalidFileException(Location.of(file), "cannot be written: " + e, e);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw unwritable(e);
        }
    }
}
