package io.stencil.image;

import com.twelvemonkeys.imageio.plugins.webp.WebPImageReaderSpi;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
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
        return decode(format, file, reader -> toRgb(reader.read(0), Integer.MAX_VALUE));
    }

    /// @param paletteSize colours of the palette in the file, of any size where pixels are no indices
    static RgbImage decodePng(byte[] file, int paletteSize) throws IOException {
        return decode(ImageFormat.PNG, file, reader -> toRgb(reader.read(0), paletteSize));
    }

    /// Decodes the alpha of a PNG file as grey levels.
    ///
    /// @param file without chunks of transparency, which decoders apply each in its own way
    static RgbImage decodePngAlpha(byte[] file, PngChunks.Transparency transparency) throws IOException {
        return decode(ImageFormat.PNG, file, reader -> {
            Raster raster = reader.read(0).getRaster();
            int bands = raster.getNumBands();
            boolean hasChannel = bands == 2 || bands > RgbImage.CHANNELS;
            int bits = raster.getSampleModel().getSampleSize(bands - 1);
            byte[] grey = bytesFor(raster);
            int[] row = new int[raster.getWidth() * bands];
            int to = 0;
            for (int y = 0; y < raster.getHeight(); y++) {
                raster.getPixels(0, y, raster.getWidth(), 1, row);
                for (int at = 0; at < row.length; at += bands, to += RgbImage.CHANNELS) {
                    byte alpha = hasChannel
                            ? eightBits(row[at + bands - 1], bits)
                            : (byte) transparency.alpha(row, at, bands);
                    Arrays.fill(grey, to, to + RgbImage.CHANNELS, alpha);
                }
            }
            return RgbImage.of(raster.getWidth(), raster.getHeight(), grey);
        });
    }

    /// Reads the size of the stored pixels, which stay undecoded.
    static ImageSize size(ImageFormat format, byte[] file) throws IOException {
        return decode(format, file, reader -> new ImageSize(reader.getWidth(0), reader.getHeight(0)));
    }

    static RgbImage decodeJpeg(byte[] file, JpegSegments.Colours colours) throws IOException {
        List<String> warnings = new ArrayList<>();
        RgbImage image = decode(ImageFormat.JPEG, file, reader -> {
            reader.addIIOReadWarningListener((_, warning) -> warnings.add(warning));
            return toRgb(reader.readRaster(0, null), colours);
        });
        for (String warning : warnings) {
            if (CUT_SHORT.stream().anyMatch(warning.toLowerCase(Locale.ROOT)::contains)) {
                throw ImageFault.cutShort("its pixels (" + warning + ")");
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

    /// Refuses images of too many pixels before memory is allocated for them: a file of some bytes may claim an image
    /// of terabytes.
    static void checkSize(int width, int height) throws ImageFault {
        if ((long) width * height > RgbImage.MAX_PIXELS) {
            throw new ImageFault("is %s x %s pixels, more than the %s that are read; scale it down"
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

    /// Palettes expanded, grey repeated, alpha dropped, samples of other depths brought to 8 bits: deeper ones keep
    /// their high byte, shallower ones are stretched and rounded down.
    ///
    /// @param paletteSize colours of the palette in the file, where the decoder may have added others
    private static RgbImage toRgb(BufferedImage image, int paletteSize) throws ImageFault {
        return image.getColorModel() instanceof IndexColorModel palette
                ? fromPalette(image.getRaster(), palette, Math.min(paletteSize, palette.getMapSize()))
                : fromSamples(image.getRaster());
    }

    /// Converts a JPEG raster, whose samples no reader has converted.
    private static RgbImage toRgb(Raster raster, JpegSegments.Colours colours) throws ImageFault {
        int bands = raster.getNumBands();
        if (bands != colours.components()) {
            throw new ImageFault("is damaged: %s components where its header declares %s; save it again"
                    .formatted(bands, colours.components()));
        }
        byte[] rgb = bytesFor(raster);
        int[] row = new int[raster.getWidth() * bands];
        int to = 0;
        for (int y = 0; y < raster.getHeight(); y++) {
            raster.getPixels(0, y, raster.getWidth(), 1, row);
            for (int at = 0; at < row.length; at += bands, to += RgbImage.CHANNELS) {
                colours.toRgb(row, at, rgb, to);
            }
        }
        return RgbImage.of(raster.getWidth(), raster.getHeight(), rgb);
    }

    private static RgbImage fromPalette(Raster raster, IndexColorModel palette, int size) throws ImageFault {
        int[] colours = new int[palette.getMapSize()];
        palette.getRGBs(colours);
        byte[] rgb = bytesFor(raster);
        int[] row = new int[raster.getWidth()];
        int to = 0;
        for (int y = 0; y < raster.getHeight(); y++) {
            for (int index : raster.getPixels(0, y, row.length, 1, row)) {
                if (index >= size) {
                    throw new ImageFault(
                            "is damaged: it uses colour %s of a palette of %s; save it again".formatted(index, size));
                }
                rgb[to++] = (byte) (colours[index] >> 16);
                rgb[to++] = (byte) (colours[index] >> 8);
                rgb[to++] = (byte) colours[index];
            }
        }
        return RgbImage.of(raster.getWidth(), raster.getHeight(), rgb);
    }

    /// Converts samples: one or two bands are grey (and alpha), three or four are red, green, blue (and alpha).
    private static RgbImage fromSamples(Raster raster) {
        int bands = raster.getNumBands();
        byte[] rgb = bytesFor(raster);
        int[] row = new int[raster.getWidth() * bands];
        int to = 0;
        for (int y = 0; y < raster.getHeight(); y++) {
            raster.getPixels(0, y, raster.getWidth(), 1, row);
            for (int at = 0; at < row.length; at += bands) {
                for (int channel = 0; channel < RgbImage.CHANNELS; channel++) {
                    int band = bands < RgbImage.CHANNELS ? 0 : channel;
                    rgb[to++] =
                            eightBits(row[at + band], raster.getSampleModel().getSampleSize(band));
                }
            }
        }
        return RgbImage.of(raster.getWidth(), raster.getHeight(), rgb);
    }

    private static byte eightBits(int sample, int bits) {
        return (byte) (bits >= 8 ? sample >> (bits - 8) : sample * 255 / ((1 << bits) - 1));
    }

    private static byte[] bytesFor(Raster raster) {
        return new byte[RgbImage.byteCount(new ImageSize(raster.getWidth(), raster.getHeight()))];
    }
}
