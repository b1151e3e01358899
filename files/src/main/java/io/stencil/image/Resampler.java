package io.stencil.image;

import io.stencil.error.InvalidRequestException;
import java.util.Arrays;

/// Resizes pictures to the very bytes that Pillow's `Image.resize` gives: across, rounded to 8 bits, then down.
public final class Resampler {

    private static final int PRECISION_BITS = AxisWeights.PRECISION_BITS;
    private static final int HALF = 1 << (PRECISION_BITS - 1);

    private Resampler() {}

    /// The whole picture at `target` size; the same object when the size is the same.
    public static RgbImage resize(RgbImage image, ImageSize target, ResampleFilter filter) {
        return resize(image, new Window(target.width(), target.height(), 0, 0, target), filter);
    }

    /// A part of a resized picture, which is never made as a whole.
    ///
    /// @param width  of the whole resized picture; may be beyond what an [RgbImage] can hold, so may `height`
    /// @param left   where in the resized picture the part begins, so is `top`
    /// @param part   size of the part, which must lie inside
    record Window(long width, long height, long left, long top, ImageSize part) {
        Window {
            if (left < 0 || top < 0 || left + part.width() > width || top + part.height() > height) {
                throw new InvalidRequestException(
                        "window", "%s at (%s, %s) of %s x %s".formatted(part, left, top, width, height));
            }
        }
    }

    static RgbImage resize(RgbImage image, Window window, ResampleFilter filter) {
        int width = window.part.width();
        int height = window.part.height();
        byte[] result = image.rgb();
        int rowsAbove = 0;
        // An axis that keeps its length and is not cropped has nothing to do.
        boolean across = window.width != image.width() || width != image.width();
        boolean down = window.height != image.height() || height != image.height();
        if (!across && !down) {
            return image;
        }
        AxisWeights rows = AxisWeights.of(image.height(), window.height, window.top, height, filter);
        if (across) {
            AxisWeights columns = AxisWeights.of(image.width(), window.width, window.left, width, filter);
            rowsAbove = rows.sourceFrom();
            result = across(image, columns, rowsAbove, rows.sourceTo());
        }
        if (down) {
            result = down(result, width * RgbImage.CHANNELS, rows, rowsAbove);
        }
        return RgbImage.of(width, height, result);
    }

    /// Source rows `fromRow` to `toRow`, each resized.
    private static byte[] across(RgbImage image, AxisWeights columns, int fromRow, int toRow) {
        byte[] source = image.rgb();
        int[] weights = columns.weights();
        int width = columns.targets();
        byte[] result = new byte[RgbImage.byteCount(new ImageSize(width, toRow - fromRow))];
        int out = 0;
        for (int y = fromRow; y < toRow; y++) {
            int row = y * image.width() * RgbImage.CHANNELS;
            for (int x = 0; x < width; x++) {
                int at = row + columns.first(x) * RgbImage.CHANNELS;
                int weight = columns.offset(x);
                int end = weight + columns.count(x);
                int red = HALF;
                int green = HALF;
                int blue = HALF;
                for (; weight < end; weight++, at += RgbImage.CHANNELS) {
                    int w = weights[weight];
                    red += (source[at] & 0xFF) * w;
                    green += (source[at + 1] & 0xFF) * w;
                    blue += (source[at + 2] & 0xFF) * w;
                }
                result[out++] = toByte(red);
                result[out++] = toByte(green);
                result[out++] = toByte(blue);
            }
        }
        return result;
    }

    /// Row by row, so that memory is read in order and the inner loop has no dependence between its steps.
    private static byte[] down(byte[] source, int rowBytes, AxisWeights rows, int rowsAbove) {
        int[] weights = rows.weights();
        int[] sums = new int[rowBytes];
        byte[] result = new byte[rows.targets() * rowBytes];
        for (int y = 0; y < rows.targets(); y++) {
            Arrays.fill(sums, HALF);
            for (int k = 0; k < rows.count(y); k++) {
                int at = (rows.first(y) + k - rowsAbove) * rowBytes;
                int w = weights[rows.offset(y) + k];
                for (int i = 0; i < rowBytes; i++) {
                    sums[i] += (source[at + i] & 0xFF) * w;
                }
            }
            int out = y * rowBytes;
            for (int i = 0; i < rowBytes; i++) {
                result[out + i] = toByte(sums[i]);
            }
        }
        return result;
    }

    private static byte toByte(int sum) {
        return (byte) Math.clamp(sum >> PRECISION_BITS, 0, 255);
    }
}
