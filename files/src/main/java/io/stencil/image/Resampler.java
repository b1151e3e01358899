package io.stencil.image;

import io.stencil.error.InvalidRequestException;
import java.util.Arrays;

/// Resizes images to the very bytes that Pillow's `Image.resize` gives: across, rounded to 8 bits, then down.
public final class Resampler {

    /// 32-bit sums of 8-bit samples, with two bits to spare for weights beyond 0..1.
    private static final int PRECISION_BITS = 32 - 8 - 2;

    private static final int HALF = 1 << (PRECISION_BITS - 1);

    private Resampler() {}

    /// Resizes the whole image to `target`; returns the same object when the size is the same.
    public static RgbImage resize(RgbImage image, ImageSize target, Filter filter) {
        return resize(image, new Window(target.width(), target.height(), 0, 0, target), filter);
    }

    /// Resizes and crops an image to `target` without bars or distortion: it is scaled with [Filter#BILINEAR] until it
    /// covers the target, by `max(tw / w, th / h)`, and its middle is cut out. Sides and offsets are rounded half to
    /// even.
    public static RgbImage cover(RgbImage image, ImageSize target) {
        double scale = Math.max((double) target.width() / image.width(), (double) target.height() / image.height());
        long width = (long) Math.rint(image.width() * scale);
        long height = (long) Math.rint(image.height() * scale);
        long left = (long) Math.rint((width - target.width()) / 2.0);
        long top = (long) Math.rint((height - target.height()) / 2.0);
        return resize(image, new Window(width, height, left, top, target), Filter.BILINEAR);
    }

    /// Describes a part of a resized image, which is never made as a whole.
    ///
    /// @param width  width of the whole resized image; may be beyond what an [RgbImage] can hold, so may `height`
    /// @param left   where in the resized image the part begins, so is `top`
    /// @param part   size of the part, which must lie inside
    private record Window(long width, long height, long left, long top, ImageSize part) {
        Window {
            if (left < 0 || top < 0 || left + part.width() > width || top + part.height() > height) {
                throw new InvalidRequestException(
                        "window", "%s at (%s, %s) of %s x %s".formatted(part, left, top, width, height));
            }
        }
    }

    private static RgbImage resize(RgbImage image, Window window, Filter filter) {
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

    /// Resizes the source rows `fromRow` to `toRow` across.
    private static byte[] across(RgbImage image, AxisWeights columns, int fromRow, int toRow) {
        byte[] source = image.rgb();
        int[] weights = columns.weights;
        int width = columns.first.length;
        byte[] result = new byte[RgbImage.byteCount(new ImageSize(width, toRow - fromRow))];
        int out = 0;
        for (int y = fromRow; y < toRow; y++) {
            int row = y * image.width() * RgbImage.CHANNELS;
            for (int x = 0; x < width; x++) {
                int at = row + columns.first[x] * RgbImage.CHANNELS;
                int weight = x * columns.stride;
                int end = weight + columns.count[x];
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

    /// Resizes columns, row by row, so that memory is read in order and the inner loop has no dependence between its
    /// steps.
    private static byte[] down(byte[] source, int rowBytes, AxisWeights rows, int rowsAbove) {
        int[] weights = rows.weights;
        int[] sums = new int[rowBytes];
        byte[] result = new byte[rows.first.length * rowBytes];
        for (int y = 0; y < rows.first.length; y++) {
            Arrays.fill(sums, HALF);
            for (int k = 0; k < rows.count[y]; k++) {
                int at = (rows.first[y] + k - rowsAbove) * rowBytes;
                int w = weights[y * rows.stride + k];
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

    /// Weighs source pixels when an image is resized. The kernel is widened by the factor of reduction, so that
    /// shrinking averages instead of skipping.
    public enum Filter {
        /// A triangle.
        BILINEAR(1),

        /// The cubic convolution of R. Keys (1981) with a = -1/2.
        BICUBIC(2);

        private static final double CUBIC = -0.5;

        /// Distance, in source pixels of an enlarged image, from which on a pixel has no weight.
        private final double support;

        Filter(double support) {
            this.support = support;
        }

        /// @param distance distance from the centre of the kernel, of either sign
        private double weight(double distance) {
            double x = Math.abs(distance);
            return switch (this) {
                case BILINEAR -> x < 1 ? 1 - x : 0;
                case BICUBIC -> {
                    if (x < 1) {
                        yield ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1;
                    }
                    yield x < 2 ? (((x - 5) * x + 8) * x - 4) * CUBIC : 0;
                }
            };
        }
    }

    /// Holds, for each target position along one axis, its run of source positions and their weights.
    ///
    /// Weights are fixed-point numbers with [#PRECISION_BITS] bits behind the point, rounded from normalised doubles as
    /// Pillow rounds them: with other rounding images differ by a grey level here and there.
    private static final class AxisWeights {

        private final int[] first;
        private final int[] count;
        private final int[] weights;
        private final int stride;

        private AxisWeights(int targets, int stride) {
            this.first = new int[targets];
            this.count = new int[targets];
            this.weights = new int[Math.multiplyExact(targets, stride)];
            this.stride = stride;
        }

        /// Weights for targets `from` (inclusive) to `to` (exclusive) when `source` pixels become `target` pixels.
        static AxisWeights of(int source, long target, long from, int length, Filter filter) {
            double scale = (double) source / target;
            double widened = Math.max(scale, 1);
            double support = filter.support * widened;
            AxisWeights axis = new AxisWeights(length, (int) Math.min(Math.ceil(support) * 2 + 1, source));
            double[] exact = new double[axis.stride];
            for (int i = 0; i < length; i++) {
                double centre = (from + i + 0.5) * scale;
                int first = Math.max((int) (centre - support + 0.5), 0);
                int count = Math.min((int) (centre + support + 0.5), source) - first;
                double sum = 0;
                for (int k = 0; k < count; k++) {
                    exact[k] = filter.weight((k + first - centre + 0.5) / widened);
                    sum += exact[k];
                }
                axis.first[i] = first;
                axis.count[i] = count;
                for (int k = 0; k < count; k++) {
                    axis.weights[i * axis.stride + k] = fixedPoint(sum == 0 ? exact[k] : exact[k] / sum);
                }
            }
            return axis;
        }

        private static int fixedPoint(double weight) {
            return (int) (weight * (1 << PRECISION_BITS) + Math.copySign(0.5, weight));
        }

        /// The lowest source position that any target needs.
        int sourceFrom() {
            return first[0];
        }

        /// One past the highest source position that any target needs.
        int sourceTo() {
            int last = first.length - 1;
            return first[last] + count[last];
        }
    }
}
