package io.stencil.error;

import java.util.Locale;

/// Escapes characters that a terminal, an editor or a log would act on instead of showing them: control characters,
/// line breaks, bidirectional overrides, zero-width characters and unpaired surrogates. Joiners stay where they shape
/// what is seen: in Persian words and in emoji.
///
/// Names, captions and server replies come from files and hubs that nobody vouches for. Escaping an escaped text
/// again changes nothing, as a backslash stays itself.
public final class VisibleText {

    private VisibleText() {}

    /// `text` in one line: `\n`, `\r` and `\t` for those three, `\u001b` or `\U000e0041` for any other.
    public static String of(String text) {
        return escaped(text, false);
    }

    /// Escapes as [#of], but keeps line breaks and tabs: for text that has lines of its own, such as a stack trace.
    public static String lines(String text) {
        return escaped(text, true);
    }

    private static String escaped(String text, boolean layout) {
        StringBuilder shown = new StringBuilder(text.length() + 16);
        boolean changed = false;
        int before = 0;
        for (int at = 0; at < text.length(); at += Character.charCount(text.codePointAt(at))) {
            int c = text.codePointAt(at);
            if (isVisible(c, before) || (layout && (c == '\n' || c == '\t'))) {
                shown.appendCodePoint(c);
            } else {
                shown.append(escape(c));
                changed = true;
            }
            before = c;
        }
        return changed ? shown.toString() : text;
    }

    /// @param before the code point before, 0 at the beginning
    private static boolean isVisible(int codePoint, int before) {
        return switch (Character.getType(codePoint)) {
            case Character.CONTROL, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SURROGATE ->
                false;
            case Character.FORMAT -> isSign(codePoint) || (isJoiner(codePoint) && shapes(before));
            default -> true;
        };
    }

    /// Joins or parts letters of Persian or Indian words, and the parts of an emoji.
    private static boolean isJoiner(int codePoint) {
        return codePoint == 0x200c || codePoint == 0x200d;
    }

    /// Checks whether a joiner behind this code point has a visible effect: between Latin letters, for instance, two
    /// names would look the same.
    private static boolean shapes(int codePoint) {
        return codePoint > 0x7f
                && !isJoiner(codePoint)
                && switch (Character.UnicodeScript.of(codePoint)) {
                    case LATIN, GREEK, CYRILLIC, HAN, HIRAGANA, KATAKANA, HANGUL -> false;
                    default -> true;
                };
    }

    /// Signs of Arabic, Syriac and Kaithi that Unicode counts among the formats.
    private static boolean isSign(int codePoint) {
        return (codePoint >= 0x600 && codePoint <= 0x605)
                || codePoint == 0x6dd
                || codePoint == 0x70f
                || codePoint == 0x890
                || codePoint == 0x891
                || codePoint == 0x8e2
                || codePoint == 0x110bd
                || codePoint == 0x110cd;
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
