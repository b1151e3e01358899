package io.stencil.image;

import com.twelvemonkeys.imageio.plugins.webp.WebPImageReaderSpi;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/// Runs the image decoders of the Java platform (JPEG, PNG, BMP) and of TwelveMonkeys (lossy WebP), in memory only.
///
/// Decoders are chosen here and not by [ImageIO]'s registry, so that a plug-in on the class path does not change
/// pixels.
final class PixelDecoder {

    /// The JPEG decoder reports a file that ends early in these words and goes on with grey.
    private static final List<String> CUT_SHORT = List.of("premature end", "missing eoi", "truncated");

    @FunctionalInterface
    private interface Decoding<T> {
        T run(ImageReader reader) throws IOException;
    }

    private PixelDecoder() {}

    static RgbImage decode(ImageFormat format, byte[] file) throws IOException {
        return decode(format, file, reader -> RasterSamples.toRgb(reader.read(0), Integer.MAX_VALUE));
    }

    /// @param paletteSize colours of the palette in the file, of any size where pixels are no indices
    static RgbImage decodePng(byte[] file, int paletteSize) throws IOException {
        return decode(ImageFormat.PNG, file, reader -> RasterSamples.toRgb(reader.read(0), paletteSize));
    }

    /// The size of the stored pixels, which stay undecoded.
    static ImageSize size(ImageFormat format, byte[] file) throws IOException {
        return decode(format, file, reader -> new ImageSize(reader.getWidth(0), reader.getHeight(0)));
    }

    static RgbImage decodeJpeg(byte[] file, JpegColours colours) throws IOException {
        List<String> warnings = new ArrayList<>();
        RgbImage image = decode(ImageFormat.JPEG, file, reader -> {
            reader.addIIOReadWarningListener((_, warning) -> warnings.add(warning));
            return RasterSamples.toRgb(reader.readRaster(0, null), colours);
        });
        for (String warning : warnings) {
            if (CUT_SHORT.stream().anyMatch(warning.toLowerCase(Locale.ROOT)::contains)) {
                throw PictureFault.cutShort("its pixels (" + warning + ")");
            }
        }
        return image;
    }

    private static <T> T decode(ImageFormat format, byte[] file, Decoding<T> decoding) throws IOException {
        ImageReader reader = reader(format);
        try (ImageInputStream input = new MemoryCacheImageInputStream(new ByteArrayInputStream(file))) {
            reader.setInput(input, true, true);
            ImageSize size = new ImageSize(reader.getWidth(0), reader.getHeight(0));
            checkSize(size.width(), size.height());
            DataCapacity.check(format, size, file);
            return decoding.run(reader);
        } finally {
            reader.dispose();
        }
    }

    /// Before any memory is taken for pixels: a file of some bytes may claim a picture of terabytes.
    static void checkSize(int width, int height) throws PictureFault {
        if ((long) width * height > RgbImage.MAX_PIXELS) {
            throw new PictureFault("is %s x %s pixels, more than the %s that are read; scale it down"
                    .formatted(width, height, RgbImage.MAX_PIXELS));
        }
    }

    private static ImageReader reader(ImageFormat format) throws IOException {
        if (format == ImageFormat.WEBP) {
            return new WebPImageReaderSpi().createReaderInstance(null);
        }
        Iterator<ImageReader> readers = ImageIO.getImageReadersByFormatName(format.name());
        while (readers.hasNext()) {
            ImageReader reader = readers.next();
            if (reader.getClass().getModule().equals(ImageIO.class.getModule())) {
                return reader;
            }
        }
        throw new IllegalStateException("this Java has no decoder for " + format.title());
    }
}
