package io.stencil.json;

import io.stencil.error.InvalidFileException;
import io.stencil.error.IoReason;
import io.stencil.error.Location;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/// Text files in UTF-8, with or without the byte-order mark that editors on Windows put first.
public final class TextFile {

    private static final String BYTE_ORDER_MARK = "\uFEFF";

    private TextFile() {}

    /// The text of `file` without its byte-order mark.
    ///
    /// @throws InvalidFileException when the file is absent, unreadable or not UTF-8
    public static String read(Path file) {
        try {
            return withoutMark(Files.readString(file));
        } catch (NoSuchFileException e) {
            throw new InvalidFileException(Location.of(file), "does not exist", e);
        } catch (CharacterCodingException e) {
            throw new InvalidFileException(Location.of(file), "is not UTF-8 text; save it as UTF-8", e);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be read: " + IoReason.of(e), e);
        }
    }

    /// `text` without the byte-order mark that it may begin with.
    public static String withoutMark(String text) {
        return text.startsWith(BYTE_ORDER_MARK) ? text.substring(BYTE_ORDER_MARK.length()) : text;
    }
}
