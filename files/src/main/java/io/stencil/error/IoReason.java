package io.stencil.error;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/// Reasons of failed reads and writes in the system's words, without names of Java classes.
public final class IoReason {

    private IoReason() {}

    /// The reason in a few words, such as `permission denied` or `No space left on device`, with the file that the
    /// system names.
    public static String of(IOException fault) {
        return switch (fault) {
            case NoSuchFileException absent -> withFile("no such file or directory", absent);
            case AccessDeniedException denied -> withFile("permission denied", denied);
            case FileAlreadyExistsException taken -> withFile("the name is taken", taken);
            case NotDirectoryException file -> withFile("not a directory", file);
            case DirectoryNotEmptyException full -> withFile("the directory is not empty", full);
            case FileSystemException other when other.getReason() != null -> withFile(other.getReason(), other);
            case CharacterCodingException _ -> "not UTF-8 text";
            default -> fault.getMessage() == null ? fault.getClass().getSimpleName() : fault.getMessage();
        };
    }

    private static String withFile(String reason, FileSystemException fault) {
        return fault.getFile() == null ? reason : reason + " (" + fault.getFile() + ")";
    }
}
