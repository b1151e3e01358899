package io.stencil.image;

import io.stencil.error.InvalidRequestException;
import io.stencil.files.Sha256;
import java.awt.image.BufferedImage;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;

/// Holds an 8-bit RGB image, whose bytes never change; two images with the same pixels are equal.
///
/// ```java
/// RgbImage photo = RgbImageReader.read(Path.of("photo.jpg"));
/// int red = photo.sample(x, y, 0); // 0..255
/// ```
public final class RgbImage {

    /// Samples of one pixel: red, green, blue.
    public static final int CHANNELS = 3;

    /// Maximum number of pixels; more is taken for a decompression bomb.
    public static final int MAX_PIXELS = 1 << 28;

    private final ImageSize size;
    private final byte[] rgb;

    private RgbImage(ImageSize size, byte[] rgb) {
        this.size = size;
        this.rgb = rgb;
    }

    /// Wraps `rgb`, which the caller gives away and must not change.
    ///
    /// @param rgb `[height, width, 3]`, row by row
    public static RgbImage of(int width, int height, byte[] rgb) {
        ImageSize size = new ImageSize(width, height);
        if (rgb.length != byteCount(size)) {
            throw new InvalidRequestException(
                    "rgb", "%s pixels need %s bytes, not %s".formatted(size, byteCount(size), rgb.length));
        }
        return new RgbImage(size, rgb);
    }

    /// Makes an image of one colour.
    ///
    /// @param colour `0xRRGGBB`
    public static RgbImage filled(ImageSize size, int colour) {
        byte[] rgb = new byte[byteCount(size)];
        for (int at = 0; at < rgb.length; at += CHANNELS) {
            rgb[at] = (byte) (colour >> 16);
            rgb[at + 1] = (byte) (colour >> 8);
            rgb[at + 2] = (byte) colour;
        }
        return new RgbImage(size, rgb);
    }

    /// Copies the pixels as [BufferedImage#getRGB] gives them, alpha dropped. For an image made of a grey raster,
    /// that call changes the values; [RgbImageReader] does not.
    public static RgbImage of(BufferedImage image) {
        int width = image.getWidth();
        byte[] rgb = new byte[byteCount(new ImageSize(width, image.getHeight()))];
        int[] row = new int[width];
        int at = 0;
        for (int y = 0; y < image.getHeight(); y++) {
            for (int colour : image.getRGB(0, y, width, 1, row, 0, width)) {
                rgb[at++] = (byte) (colour >> 16);
                rgb[at++] = (byte) (colour >> 8);
                rgb[at++] = (byte) colour;
            }
        }
        return of(width, image.getHeight(), rgb);
    }

    /// Copies the pixels to a [BufferedImage#TYPE_INT_RGB].
    public BufferedImage toBufferedImage() {
        BufferedImage image = new BufferedImage(width(), height(), BufferedImage.TYPE_INT_RGB);
        int[] row = new int[width()];
        for (int y = 0; y < height(); y++) {
            for (int x = 0; x < row.length; x++) {
                row[x] = pixel(x, y);
            }
            image.setRGB(0, y, row.length, 1, row, 0, row.length);
        }
        return image;
    }

    public ImageSize size() {
        return size;
    }

    public int width() {
        return size.width();
    }

    public int height() {
        return size.height();
    }

    /// Returns the bytes themselves, `[height, width, 3]`, to be read only.
    public byte[] rgb() {
        return rgb;
    }

    /// Returns one pixel as `0xRRGGBB`.
    public int pixel(int x, int y) {
        return sample(x, y, 0) << 16 | sample(x, y, 1) << 8 | sample(x, y, 2);
    }

    /// Returns one sample of a pixel.
    ///
    /// @param channel 0 red, 1 green, 2 blue
    /// @return 0..255
    public int sample(int x, int y, int channel) {
        if (x < 0 || x >= width() || y < 0 || y >= height()) {
            throw new InvalidRequestException("x, y", "(%s, %s) of %s pixels".formatted(x, y, size));
        }
        return rgb[(y * width() + x) * CHANNELS + channel] & 0xFF;
    }

    /// Computes the SHA-256 of size and pixels, in hexadecimal digits: that of `WIDTHxHEIGHT`, a line feed, and the
    /// bytes of [#rgb]. The format and the metadata of the image's file do not change it.
    public String sha256() {
        MessageDigest digest = Sha256.digest();
        digest.update((width() + "x" + height() + "\n").getBytes(StandardCharsets.US_ASCII));
        digest.update(rgb);
        return Sha256.hex(digest);
    }

    /// Counts the bytes of an image of this size.
    static int byteCount(ImageSize size) {
        long pixels = (long) size.width() * size.height();
        if (pixels > MAX_PIXELS) {
            throw new InvalidRequestException("size", "%s pixels are more than %s".formatted(size, MAX_PIXELS));
        }
        return (int) pixels * CHANNELS;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RgbImage image && size.equals(image.size) && Arrays.equals(rgb, image.rgb);
    }

    @Override
    public int hashCode() {
        return 31 * size.hashCode() + Arrays.hashCode(rgb);
    }

    @Override
    public String toString() {
        return "RgbImage[" + size + "]";
    }
}
