package io.stencil.error;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import org.jspecify.annotations.Nullable;

/// Describes failed reads and writes in the system's words, without names of Java classes.
public final class IoReason {

    private IoReason() {}

    /// Returns the reason in a few words, such as `permission denied` or `No space left on device`, with the file
    /// that the system names.
    public static String of(IOException fault) {
        return of(fault, null);
    }

    /// @param known the file that the message names already
    static String of(IOException fault, @Nullable String known) {
        return switch (fault) {
            case NoSuchFileException absent -> withFile("no such file or directory", absent, known);
            case AccessDeniedException denied -> withFile("permission denied", denied, known);
            case FileAlreadyExistsException taken -> withFile("the name is taken", taken, known);
            case NotDirectoryException file -> withFile("not a directory", file, known);
            case DirectoryNotEmptyException full -> withFile("the directory is not empty", full, known);
            case FileSystemException other when other.getReason() != null -> withFile(other.getReason(), other, known);
            case CharacterCodingException _ -> "not UTF-8 text";
            default -> fault.getMessage() == null ? fault.getClass().getSimpleName() : fault.getMessage();
        };
    }

    private static String withFile(String reason, FileSystemException fault, @Nullable String known) {
        return fault.getFile() == null || fault.getFile().equals(known)
                ? reason
                : reason + " (" + fault.getFile() + ")";
    }
}
