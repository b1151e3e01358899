package io.stencil.image;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;

/// Lists the supported image formats, which are detected by content and never by the file's name.
enum ImageFormat {
    JPEG("JPEG"),
    PNG("PNG"),
    WEBP("WebP"),
    BMP("BMP");

    private static final int SHOWN = 8;

    private final String title;

    ImageFormat(String title) {
        this.title = title;
    }

    /// As people write it.
    String title() {
        return title;
    }

    static ImageFormat of(byte[] file) throws PictureFault {
        if (startsWith(file, 0, "\u00FF\u00D8\u00FF")) {
            return JPEG;
        }
        if (startsWith(file, 0, PngChunks.SIGNATURE)) {
            return PNG;
        }
        if (startsWith(file, 0, "RIFF") && startsWith(file, 8, "WEBP")) {
            return WEBP;
        }
        if (startsWith(file, 0, "BM")) {
            return BMP;
        }
        throw new PictureFault("is not a JPEG, PNG, WebP or BMP picture (it begins with "
                + HexFormat.ofDelimiter(" ").formatHex(file, 0, Math.min(file.length, SHOWN))
                + "); convert it to one of these");
    }

    /// @param text one character a byte
    static boolean startsWith(byte[] file, int at, String text) {
        byte[] expected = text.getBytes(StandardCharsets.ISO_8859_1);
        return file.length >= at + expected.length
                && Arrays.equals(file, at, at + expected.length, expected, 0, expected.length);
    }
}
