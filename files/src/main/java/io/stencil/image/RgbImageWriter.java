package io.stencil.image;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/// Writes PNG files, whole or not at all.
public final class RgbImageWriter {

    private RgbImageWriter() {}

    /// Writes `file`, making its parent folders and replacing what was there.
    ///
    /// @throws InvalidRequestException when the name does not end in `.png`
    /// @throws IOException             when it cannot be written; what was there stays
    public static void write(RgbImage image, Path file) throws IOException {
        write(image, file, Map.of());
    }

    /// Writes `file` with texts in it, which image viewers and `exiftool` show.
    ///
    /// @param texts by keyword, 1 to 79 characters of ASCII; each becomes an `iTXt` chunk before the pixels
    /// @throws InvalidRequestException when the name does not end in `.png`
    /// @throws IOException             when it cannot be written; what was there stays
    public static void write(RgbImage image, Path file, Map<String, String> texts) throws IOException {
        checkName(file);
        ByteBuffer png = ByteBuffer.wrap(PngChunks.withTexts(encode(image), texts));
        AtomicFile.write(file, channel -> {
            while (png.hasRemaining()) {
                channel.write(png);
            }
        });
    }

    /// Refuses a name that [#write] would refuse: for a check before long work whose result would go to `file`.
    ///
    /// @throws InvalidRequestException when the name does not end in `.png`
    public static void checkName(Path file) {
        if (!file.toString().toLowerCase(Locale.ROOT).endsWith(".png")) {
            throw new InvalidRequestException(
                    Location.of(file), "images are written as PNG only; give a name that ends in .png");
        }
    }

    private static byte[] encode(RgbImage image) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (MemoryCacheImageOutputStream output = new MemoryCacheImageOutputStream(bytes)) {
            if (!ImageIO.write(image.toBufferedImage(), "png", output)) {
                throw new IOException("this Java has no PNG encoder");
            }
        }
        return bytes.toByteArray();
    }
}
