package io.stencil.image;

import io.stencil.error.Arguments;
import io.stencil.files.AtomicFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Encodes images as PNG, JPEG and WebP, and writes files, whole or not at all.
///
/// JPEG and WebP are lossy, at quality 95 of 100. WebP needs an encoder on the class path, a plug-in of Image I/O such
/// as `com.github.usefulness:webp-imageio`, which the command line has.
public final class RgbImageWriter {

    private RgbImageWriter() {}

    /// Writes `file`, making its parent folders and replacing what was there. The name decides the format.
    ///
    /// @throws io.stencil.error.InvalidRequestException as [ImageFormat#ofName] and [#encode] do
    /// @throws IOException             when it cannot be written; what was there stays
    public static void write(RgbImage image, Path file) throws IOException {
        write(image, file, null);
    }

    /// Writes `file` with texts in it, which image viewers and `exiftool` show.
    ///
    /// @param texts or null for none
    /// @throws io.stencil.error.InvalidRequestException as [ImageFormat#ofName] and [#encode] do
    /// @throws IOException             when it cannot be written; what was there stays
    public static void write(RgbImage image, Path file, @Nullable ImageTexts texts) throws IOException {
        ByteBuffer encoded = ByteBuffer.wrap(encode(image, ImageFormat.ofName(file), texts));
        AtomicFile.write(file, channel -> {
            while (encoded.hasRemaining()) {
                channel.write(encoded);
            }
        });
    }

    /// Encodes an image; equal images and texts give equal bytes.
    ///
    /// @param texts that the file carries, or null for none
    /// @return the bytes of a file
    /// @throws io.stencil.error.InvalidRequestException when the format does not hold the image's size or texts
    ///     of this length, or there is no encoder for it
    /// @throws IOException when the encoder fails
    public static byte[] encode(RgbImage image, ImageFormat format, @Nullable ImageTexts texts) throws IOException {
        return encode(image, format, texts, PixelEncoder.QUALITY);
    }

    /// Encodes an image as [#encode(RgbImage, ImageFormat, ImageTexts)] does.
    ///
    /// @param quality of JPEG and WebP, 0 to 100, in place of 95
    public static byte[] encode(RgbImage image, ImageFormat format, @Nullable ImageTexts texts, int quality)
            throws IOException {
        Arguments.require("image", image);
        Arguments.require("format", format).requireFits(image.size(), texts);
        byte[] pixels = PixelEncoder.encode(image, format, quality);
        if (texts == null) {
            return pixels;
        }
        return switch (format) {
            case PNG -> PngChunks.withTexts(pixels, texts.byKeyword());
            case JPEG -> JpegSegments.withExif(pixels, texts.exif());
            case WEBP -> WebpChunks.withExif(pixels, image.size(), texts.exif());
            case BMP -> throw new IllegalStateException("requireFits refuses BMP");
        };
    }
}
