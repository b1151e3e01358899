package io.stencil.image;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;

/// Takes the samples of a decoded picture as they are in the file. [BufferedImage#getRGB] would convert grey and deep
/// samples between colour spaces and change them.
final class RasterSamples {

    private RasterSamples() {}

    /// Palettes expanded, grey repeated, alpha dropped, samples of other depths brought to 8 bits: deeper ones keep
    /// their high byte, shallower ones are stretched and rounded down.
    ///
    /// @param paletteSize colours of the palette in the file, where the decoder may have added others
    static RgbImage toRgb(BufferedImage image, int paletteSize) throws PictureFault {
        return image.getColorModel() instanceof IndexColorModel palette
                ? fromPalette(image.getRaster(), palette, Math.min(paletteSize, palette.getMapSize()))
                : fromSamples(image.getRaster());
    }

    /// A JPEG raster, whose samples no reader has converted.
    static RgbImage toRgb(Raster raster, JpegColours colours) throws PictureFault {
        int bands = raster.getNumBands();
        if (bands != colours.components()) {
            throw new PictureFault("is damaged: %s components where its header tells %s; save it again"
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

    private static RgbImage fromPalette(Raster raster, IndexColorModel palette, int size) throws PictureFault {
        int[] colours = new int[palette.getMapSize()];
        palette.getRGBs(colours);
        byte[] rgb = bytesFor(raster);
        int[] row = new int[raster.getWidth()];
        int to = 0;
        for (int y = 0; y < raster.getHeight(); y++) {
            for (int index : raster.getPixels(0, y, row.length, 1, row)) {
                if (index >= size) {
                    throw new PictureFault(
                            "is damaged: it uses colour %s of a palette of %s; save it again".formatted(index, size));
                }
                rgb[to++] = (byte) (colours[index] >> 16);
                rgb[to++] = (byte) (colours[index] >> 8);
                rgb[to++] = (byte) colours[index];
            }
        }
        return RgbImage.of(raster.getWidth(), raster.getHeight(), rgb);
    }

    /// One or two bands are grey (and alpha), three or four are red, green, blue (and alpha).
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
