package io.stencil.hub.http;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.IoReason;
import io.stencil.error.Location;
import io.stencil.json.TextFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Pattern;

/// Access token of a hub. Its text leaves this object only into the headers of a request.
public final class Token {

    private final String secret;

    private Token(String secret) {
        this.secret = secret;
    }

    /// @param source option, variable or file of the text, for messages
    /// @throws InvalidRequestException without the text, when it cannot be a token
    public static Token of(String source, String text) {
        String secret = text.strip();
        if (secret.isEmpty() || !secret.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
            throw new InvalidRequestException(
                    source, "holds no token: one word of plain characters is expected, with no space in it");
        }
        return new Token(secret);
    }

    /// Reads a file that contains a token and nothing else.
    ///
    /// @throws io.stencil.error.StencilException when it cannot be read or holds no token
    public static Token read(Path file) {
        try {
            return of(file.toString(), TextFile.withoutMark(Files.readString(file)));
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be read as a token: " + IoReason.of(e), e);
        }
    }

    /// Formats the value of a header, with the token in place of `%s`.
    String in(String format) {
        return format.formatted(secret);
    }

    /// Replaces the token in a text, in either case of letters.
    String redact(String text) {
        return Pattern.compile(secret, Pattern.LITERAL | Pattern.CASE_INSENSITIVE)
                .matcher(text)
                .replaceAll("[token]");
    }

    /// Returns whether a text contains the token, in either case of letters.
    boolean isIn(String text) {
        return text.toLowerCase(Locale.ROOT).contains(secret.toLowerCase(Locale.ROOT));
    }

    int length() {
        return secret.length();
    }

    boolean isIn(InputStream content) throws IOException {
        byte[] pattern = secret.getBytes(StandardCharsets.US_ASCII);
        byte[] buffer = new byte[Math.max(1 << 16, 2 * pattern.length)];
        int overlap = 0;
        for (int read = content.readNBytes(buffer, 0, buffer.length);
                read > 0;
                read = content.readNBytes(buffer, overlap, buffer.length - overlap)) {
            int end = overlap + read;
            if (isIn(pattern, buffer, end)) {
                return true;
            }
            overlap = Math.min(end, pattern.length - 1);
            System.arraycopy(buffer, end - overlap, buffer, 0, overlap);
        }
        return false;
    }

    private static boolean isIn(byte[] pattern, byte[] buffer, int end) {
        for (int at = 0; at + pattern.length <= end; at++) {
            if (buffer[at] == pattern[0]
                    && Arrays.equals(buffer, at, at + pattern.length, pattern, 0, pattern.length)) {
                return true;
            }
        }
        return false;
    }

    /// Never the secret.
    @Override
    public String toString() {
        return "Token[hidden]";
    }
}
