package io.stencil.image;

import io.stencil.error.InvalidRequestException;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Iterator;
import java.util.Locale;
import java.util.Optional;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/// Runs the image encoders of the Java platform (PNG, JPEG), and for WebP one that a plug-in of Image I/O on the class
/// path brings, in memory only.
final class PixelEncoder {

    /// Of JPEG and WebP: high, as an image that is encoded once is often edited and encoded again.
    static final int QUALITY = 95;

    private PixelEncoder() {}

    /// @throws InvalidRequestException when images of this format cannot be written
    static void requireEncoder(ImageFormat format) {
        Optional<ImageWriter> writer = format == ImageFormat.BMP ? Optional.empty() : writer(format);
        writer.ifPresentOrElse(ImageWriter::dispose, () -> {
            throw new InvalidRequestException(
                    "output",
                    format == ImageFormat.WEBP
                            ? "WebP needs an encoder that is not on the class path; add com.github.usefulness:webp-imageio, or write PNG or JPEG"
                            : format.title() + " is not written; write PNG, JPEG or WebP");
        });
    }

    /// Encodes the pixels, without metadata.
    ///
    /// @param quality of JPEG and WebP, 0 to 100
    static byte[] encode(RgbImage image, ImageFormat format, int quality) throws IOException {
        ImageWriter writer = writer(format).orElseThrow();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (MemoryCacheImageOutputStream output = new MemoryCacheImageOutputStream(bytes)) {
            writer.setOutput(output);
            BufferedImage pixels = image.toBufferedImage();
            writer.write(null, new IIOImage(pixels, null, null), parameters(writer, format, quality));
        } finally {
            writer.dispose();
        }
        return bytes.toByteArray();
    }

    private static ImageWriteParam parameters(ImageWriter writer, ImageFormat format, int quality) {
        ImageWriteParam parameters = writer.getDefaultWriteParam();
        if (format != ImageFormat.PNG) {
            parameters.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
            if (format == ImageFormat.WEBP) {
                parameters.setCompressionType("Lossy");
            }
            parameters.setCompressionQuality(quality / 100f);
        }
        return parameters;
    }

    /// Finds the encoder: that of the Java platform where it has one, so that a plug-in changes no bytes.
    private static Optional<ImageWriter> writer(ImageFormat format) {
        Iterator<ImageWriter> writers =
                ImageIO.getImageWritersByFormatName(format.name().toLowerCase(Locale.ROOT));
        while (writers.hasNext()) {
            ImageWriter writer = writers.next();
            boolean ofPlatform = writer.getClass().getModule().equals(ImageIO.class.getModule());
            if (ofPlatform || format == ImageFormat.WEBP) {
                return Optional.of(writer);
            }
            writer.dispose();
        }
        return Optional.empty();
    }
}
