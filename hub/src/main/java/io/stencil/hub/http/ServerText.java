package io.stencil.hub.http;

import java.io.IOException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// What a server says, made fit to be told to people. All text of a server goes through here before it is part of a
/// message: the token is taken out first, then it is brought to one line, then shortened, so that no cut leaves a part
/// of a token.
public final class ServerText {

    private static final int SHOWN = 200;
    /// Ends of lines and other controls, also those that change the direction of writing.
    private static final Pattern INVISIBLE = Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\s]+");

    private final @Nullable Token token;

    ServerText(@Nullable Token token) {
        this.token = token;
    }

    /// @param said as the server says it; null for nothing
    public String of(@Nullable String said) {
        return shortened(redact(said == null ? "" : said));
    }

    /// @param said the begin of a longer text, at whose end a part of a token may stand
    String ofBegin(String said) {
        String open = redact(said);
        int cut = token == null ? 0 : token.length();
        return shortened(open.substring(0, Math.max(0, open.length() - cut)));
    }

    /// A fault as a cause that is safe to print with its trace: of its message what [#of] leaves.
    Throwable cause(Throwable fault) {
        IOException safe = new IOException(fault.getClass().getName() + ": " + of(fault.getMessage()));
        safe.setStackTrace(fault.getStackTrace());
        return safe;
    }

    private String redact(String text) {
        return token == null ? text : token.redact(text);
    }

    private static String shortened(String text) {
        String line = INVISIBLE.matcher(text).replaceAll(" ").strip();
        if (line.length() <= SHOWN) {
            return line;
        }
        int end = Character.isHighSurrogate(line.charAt(SHOWN - 1)) ? SHOWN - 1 : SHOWN;
        return line.substring(0, end) + "...";
    }
}
