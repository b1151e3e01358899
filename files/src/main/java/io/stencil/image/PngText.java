package io.stencil.image;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/// Metadata that writers put into the text chunks of a PNG file: an EXIF block in hexadecimal digits, as ImageMagick
/// writes it, or an XMP packet.
final class PngText {

    private static final String RAW_EXIF = "Raw profile type exif";
    private static final String XMP = "XML:com.adobe.xmp";

    /// Lines before the digits: an empty one, the profile's name, its length.
    private static final int RAW_HEAD_LINES = 3;

    /// More than any orientation needs; a chunk that expands further is left out.
    private static final int MAX_EXPANDED = 1 << 24;

    private byte[] exif = {};
    private byte[] xmp = {};

    /// Reads a `tEXt`, `zTXt` or `iTXt` chunk; others, and malformed ones, are left alone.
    ///
    /// @param chunk its data: a keyword, zero, and what the type says
    void read(String type, byte[] chunk) {
        int end = zero(chunk, 0);
        String keyword = new String(chunk, 0, end, StandardCharsets.ISO_8859_1);
        if (end == chunk.length || !(keyword.equals(RAW_EXIF) || keyword.equals(XMP))) {
            return;
        }
        byte[] text = switch (type) {
            case "tEXt" -> rest(chunk, end + 1);
            case "zTXt" -> inflated(rest(chunk, end + 2)); // zero and the method
            case "iTXt" -> international(chunk, end + 1);
            default -> new byte[0];
        };
        if (keyword.equals(XMP)) {
            xmp = text;
        } else {
            exif = fromDigits(new String(text, StandardCharsets.ISO_8859_1));
        }
    }

    /// An EXIF block, empty when there is none.
    byte[] exif() {
        return exif;
    }

    /// An XMP packet, empty when there is none.
    byte[] xmp() {
        return xmp;
    }

    /// Whether it is compressed, the method, then language and translated keyword, each ended by zero.
    private static byte[] international(byte[] chunk, int at) {
        boolean compressed = at < chunk.length && chunk[at] != 0;
        int language = zero(chunk, Math.min(at + 2, chunk.length));
        byte[] text = rest(chunk, zero(chunk, Math.min(language + 1, chunk.length)) + 1);
        return compressed ? inflated(text) : text;
    }

    private static byte[] fromDigits(String profile) {
        String[] lines = profile.split("\n", -1);
        String digits = String.join(
                        "", Arrays.asList(lines).subList(Math.min(RAW_HEAD_LINES, lines.length), lines.length))
                .replaceAll("\\s", "");
        try {
            return HexFormat.of().parseHex(digits);
        } catch (IllegalArgumentException _) {
            return new byte[0];
        }
    }

    private static byte[] inflated(byte[] compressed) {
        try (Inflater inflater = new Inflater()) {
            inflater.setInput(compressed);
            byte[] text = new byte[Math.max(1 << 10, compressed.length)];
            int length = 0;
            while (!inflater.finished()) {
                int count = inflater.inflate(text, length, text.length - length);
                length += count;
                if (length == text.length && length < MAX_EXPANDED) {
                    text = Arrays.copyOf(text, 2 * length);
                } else if (count == 0) {
                    return new byte[0]; // cut short, or too much
                }
            }
            return Arrays.copyOf(text, length);
        } catch (DataFormatException _) {
            return new byte[0];
        }
    }

    private static int zero(byte[] bytes, int from) {
        int at = from;
        while (at < bytes.length && bytes[at] != 0) {
            at++;
        }
        return at;
    }

    private static byte[] rest(byte[] bytes, int from) {
        return Arrays.copyOfRange(bytes, Math.min(from, bytes.length), bytes.length);
    }
}
