package io.stencil.files;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import org.jspecify.annotations.Nullable;

/// A file as it was when it was looked at: it has the content that it had, where nothing of this has changed.
///
/// @param file its absolute path
/// @param bytes its size
/// @param modified time of its last change
/// @param key by which the system knows the file, such as its inode; null where there is none
public record FileStamp(
        Path file, long bytes, FileTime modified, @Nullable Object key) {

    /// Looks at a file without reading it.
    ///
    /// @throws IOException when it is absent, or cannot be looked at
    public static FileStamp of(Path file) throws IOException {
        BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
        return new FileStamp(file.toAbsolutePath(), found.size(), found.lastModifiedTime(), found.fileKey());
    }
}
