package io.stencil.error;

import java.util.Locale;

/// Escapes characters that a terminal, an editor or a log would act on instead of showing them: control characters,
/// line breaks, bidirectional overrides, zero-width characters and unpaired surrogates.
///
/// Names, captions and server replies come from files and hubs that nobody vouches for. Escaping an escaped text
/// again changes nothing, as a backslash stays itself.
public final class VisibleText {

    private VisibleText() {}

    /// `text` in one line: `\n`, `\r` and `\t` for those three, `\u001b` or `\U000e0041` for any other.
    public static String of(String text) {
        return escaped(text, false);
    }

    /// As [#of], but line breaks and tabs stay: for text that has lines of its own, such as a stack trace.
    public static String lines(String text) {
        return escaped(text, true);
    }

    private static String escaped(String text, boolean layout) {
        if (text.codePoints().noneMatch(VisibleText::isInvisible)) {
            return text;
        }
        StringBuilder shown = new StringBuilder(text.length() + 16);
        text.codePoints().forEach(c -> {
            if (!isInvisible(c) || (layout && (c == '\n' || c == '\t'))) {
                shown.appendCodePoint(c);
            } else {
                shown.append(escape(c));
            }
        });
        return shown.toString();
    }

    private static boolean isInvisible(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE -> true;
            default -> false;
        };
    }

    private static String escape(int codePoint) {
        return switch (codePoint) {
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            default ->
                String.format(Locale.ROOT, Character.isBmpCodePoint(codePoint) ? "\\u%04x" : "\\U%08x", codePoint);
        };
    }
}
