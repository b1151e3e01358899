package io.stencil.image;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Lists the supported image formats. A file that is read is detected by its content and never by its name; the name
/// of a file that is written decides its format. BMP is read only.
public enum ImageFormat {
    JPEG("JPEG", "image/jpeg", "jpg|jpeg", 65_535),
    PNG("PNG", "image/png", "png", Integer.MAX_VALUE),
    WEBP("WebP", "image/webp", "webp", 16_383),
    BMP("BMP", "image/bmp", "(?!)", 0);

    private static final int SHOWN = 8;

    private final String title;
    private final String mediaType;
    private final String extensions;
    private final int maxSide;

    /// @param extensions of files that are written, as a regular expression; one that matches nothing for a format that
    ///     is read only
    /// @param maxSide most pixels of a side that is written
    ImageFormat(String title, String mediaType, String extensions, int maxSide) {
        this.title = title;
        this.mediaType = mediaType;
        this.extensions = extensions;
        this.maxSide = maxSide;
    }

    /// Returns the name as people write it, such as `WebP`.
    public String title() {
        return title;
    }

    /// Returns the media type, such as `image/webp`.
    public String mediaType() {
        return mediaType;
    }

    /// Returns the format in which a file of this name is written: PNG for `.png`, JPEG for `.jpg` and `.jpeg`, WebP
    /// for `.webp`.
    ///
    /// @throws InvalidRequestException for any other name, and for WebP without an encoder on the class path
    public static ImageFormat ofName(Path file) {
        String name = file.toString().toLowerCase(Locale.ROOT);
        ImageFormat format = Arrays.stream(values())
                .filter(one -> name.matches("(?s).*\\.(" + one.extensions + ")"))
                .findFirst()
                .orElseThrow(
                        () -> new InvalidRequestException(
                                Location.of(file),
                                "images are written as PNG, JPEG or WebP; give a name that ends in .png, .jpg, .jpeg or .webp"));
        PixelEncoder.requireEncoder(format);
        return format;
    }

    /// Finds the format of a name without a dot, such as `jpeg`, in which images are written.
    public static Optional<ImageFormat> named(String name) {
        return Arrays.stream(values())
                .filter(one -> name.toLowerCase(Locale.ROOT).matches(one.extensions))
                .findFirst();
    }

    /// Validates what [RgbImageWriter#encode] would refuse, for a check before long work.
    ///
    /// @param texts that the file carries, or null for none
    /// @throws InvalidRequestException when the format does not hold a side of the size or texts of this length, or is
    ///     not written
    public void requireFits(ImageSize size, @Nullable ImageTexts texts) {
        PixelEncoder.requireEncoder(this);
        int side = Math.max(size.width(), size.height());
        if (side > maxSide) {
            throw new InvalidRequestException(
                    "output",
                    "%s holds at most %s pixels a side, found %s; write PNG, or a smaller image"
                            .formatted(title, maxSide, size));
        }
        if (this == JPEG && texts != null && texts.exif().length > JpegSegments.MAX_EXIF) {
            throw new InvalidRequestException(
                    "output",
                    "the parameters of the image take %s bytes, more than the %s of JPEG metadata (EXIF); write PNG or WebP"
                            .formatted(texts.exif().length, JpegSegments.MAX_EXIF));
        }
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

        /// Returns the EXIF block, empty when the file has none.
        byte[] exif() {
            return exif;
        }

        /// Reads the orientation of the decoded pixels.
        Orientation orientation() {
            return Orientation.of(exif, xmp);
        }
    }
}
