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

    /// Returns the name as people write it.
    String title() {
        return title;
    }

    static ImageFormat of(byte[] file) throws ImageFault {
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
        throw new ImageFault("is not a JPEG, PNG, WebP or BMP image (it begins with "
                + HexFormat.ofDelimiter(" ").formatHex(file, 0, Math.min(file.length, SHOWN))
                + "); convert it to one of these");
    }

    /// @param text one character a byte
    static boolean startsWith(byte[] file, int at, String text) {
        byte[] expected = text.getBytes(StandardCharsets.ISO_8859_1);
        return file.length >= at + expected.length
                && Arrays.equals(file, at, at + expected.length, expected, 0, expected.length);
    }

    /// Holds the parts of an image file: a smaller file with the pixels and nothing else, and the metadata with its
    /// orientation stands.
    ///
    /// Profiles, gamma, transparent colours and thumbnails are left out. Decoders would apply some of them, each in
    /// its own way, and stumble over malformed ones; the reference applies none.
    static final class Payload {

        private final byte[] pixels;
        private final byte[] exif;
        private final byte[] xmp;

        /// @param exif an EXIF block, empty when the file has none
        /// @param xmp  an XMP packet, empty when the file has none
        Payload(byte[] pixels, byte[] exif, byte[] xmp) {
            this.pixels = pixels;
            this.exif = exif;
            this.xmp = xmp;
        }

        /// Returns a file of the same format, for the decoder.
        byte[] pixels() {
            return pixels;
        }

        /// Reads the orientation of the decoded pixels.
        Orientation orientation() {
            return Orientation.of(exif, xmp);
        }
    }
}
