package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;

/// Separates an image into shape and background.
///
/// @param coverage of each pixel by the shape, 0 to 1
/// @param colour the shape's, where the background's light has its mean
record Segmentation(Plane coverage, Chromaticity colour) {

    /// The least share of the image that is taken for a shape.
    private static final double LEAST_AREA = 0.008;

    /// How much clearer a shape must stand out than the background's texture does.
    private static final double LEAST_CONTRAST = 3;

    /// Blur against noise, in 64ths of a side, from which the sure part is recognised.
    private static final double CALM = 0.8;

    /// Pixels, in 64ths of a side, beyond the sure part of a shape that its soft edge may reach.
    private static final double EDGE = 2;

    /// Finds the one shape of an image, or nothing.
    static Optional<Segmentation> of(Canvas image, Canvas background) {
        ImageSize size = image.size();
        Canvas calm = image.blurred(CALM * size.width() / 64);
        Plane contrast = Plane.of(size, (x, y) -> BackgroundFit.distance(calm, background, x, y));
        double threshold = otsu(contrast.values());
        BitSet sure = Component.largest(size, at -> contrast.values()[at] > threshold);
        if (sure.cardinality() < LEAST_AREA * size.width() * size.height() || !standsOut(contrast, sure)) {
            return Optional.empty();
        }
        int edge = (int) Math.ceil(EDGE * size.width() / 64);
        BitSet near = Component.grown(size, sure, edge);
        double[] ratio = ratios(image, background, contrast, sure);
        Plane coverage =
                Plane.of(size, (x, y) -> near.get(y * size.width() + x) ? covered(image, background, ratio, x, y) : 0);
        return Optional.of(new Segmentation(coverage, colour(background, ratio)));
    }

    /// The value that splits numbers best into two groups, by N. Otsu (1979): the variance between the groups is
    /// largest.
    private static double otsu(float[] values) {
        float[] sorted = values.clone();
        Arrays.sort(sorted);
        double total = 0;
        for (float value : sorted) {
            total += value;
        }
        double below = 0;
        double best = -1;
        double threshold = sorted[0];
        for (int count = 1; count < sorted.length; count++) {
            below += sorted[count - 1];
            double gap = below / count - (total - below) / (sorted.length - count);
            double variance = (double) count * (sorted.length - count) * gap * gap;
            if (variance > best) {
                best = variance;
                threshold = (sorted[count - 1] + sorted[count]) / 2.0;
            }
        }
        return threshold;
    }

    private static boolean standsOut(Plane contrast, BitSet sure) {
        double inside =
                sure.stream().mapToDouble(at -> contrast.values()[at]).average().orElse(0);
        double outside = 0;
        for (int at = sure.nextClearBit(0); at < contrast.values().length; at = sure.nextClearBit(at + 1)) {
            outside += contrast.values()[at];
        }
        return inside > LEAST_CONTRAST * outside / (contrast.values().length - sure.cardinality());
    }

    /// The colour of the shape's core, for each channel over the background's: light cancels out.
    private static double[] ratios(Canvas image, Canvas background, Plane contrast, BitSet sure) {
        double[] core =
                sure.stream().mapToDouble(at -> contrast.values()[at]).sorted().toArray();
        double clear = core[core.length / 2] * 0.85;
        double[] ratio = new double[RgbImage.CHANNELS];
        for (int channel = 0; channel < ratio.length; channel++) {
            float[] shown = image.channels().get(channel).values();
            float[] behind = background.channels().get(channel).values();
            double[] sorted = sure.stream()
                    .filter(at -> contrast.values()[at] >= clear)
                    .mapToDouble(at -> shown[at] / Math.max(behind[at], 1 / 255.0))
                    .sorted()
                    .toArray();
            ratio[channel] = sorted[sorted.length / 2];
        }
        return ratio;
    }

    /// Where a pixel's colour lies on the way from the background's to the shape's.
    private static double covered(Canvas image, Canvas background, double[] ratio, int x, int y) {
        double along = 0;
        double whole = 0;
        for (int channel = 0; channel < ratio.length; channel++) {
            double behind = background.channels().get(channel).at(x, y);
            double way = Math.max(behind, 1 / 255.0) * ratio[channel] - behind;
            along += way * (image.channels().get(channel).at(x, y) - behind);
            whole += way * way;
        }
        return whole == 0 ? 0 : Math.clamp(along / whole, 0, 1);
    }

    private static Chromaticity colour(Canvas background, double[] ratio) {
        return Chromaticity.of(
                ratio[0] * background.channels().get(0).mean(),
                ratio[1] * background.channels().get(1).mean(),
                ratio[2] * background.channels().get(2).mean());
    }

    /// Pixels that hang together by their sides, as indices in reading order.
    static final class Component {

        private Component() {}

        /// The largest set of connected pixels that `belongs` holds for; empty when there is none.
        static BitSet largest(ImageSize size, IntPredicate belongs) {
            BitSet seen = new BitSet();
            BitSet best = new BitSet();
            for (int start = 0; start < size.width() * size.height(); start++) {
                if (!seen.get(start) && belongs.test(start)) {
                    BitSet component = from(size, start, belongs);
                    seen.or(component);
                    if (component.cardinality() > best.cardinality()) {
                        best = component;
                    }
                }
            }
            return best;
        }

        /// All pixels that `belongs` holds for and that can be reached from `start`.
        static BitSet from(ImageSize size, int start, IntPredicate belongs) {
            BitSet component = new BitSet();
            ArrayDeque<Integer> open = new ArrayDeque<>();
            component.set(start);
            open.add(start);
            while (!open.isEmpty()) {
                int at = open.remove();
                for (int next : neighbours(size, at)) {
                    if (!component.get(next) && belongs.test(next)) {
                        component.set(next);
                        open.add(next);
                    }
                }
            }
            return component;
        }

        /// Those pixels and all within `steps` of them.
        static BitSet grown(ImageSize size, BitSet pixels, int steps) {
            BitSet grown = (BitSet) pixels.clone();
            for (int step = 0; step < steps; step++) {
                BitSet before = (BitSet) grown.clone();
                before.stream().forEach(at -> {
                    for (int next : neighbours(size, at)) {
                        grown.set(next);
                    }
                });
            }
            return grown;
        }

        /// A pixel at the edge of the image is its own neighbour beyond it.
        private static int[] neighbours(ImageSize size, int at) {
            int x = at % size.width();
            int y = at / size.width();
            return new int[] {
                x > 0 ? at - 1 : at,
                x < size.width() - 1 ? at + 1 : at,
                y > 0 ? at - size.width() : at,
                y < size.height() - 1 ? at + size.width() : at
            };
        }
    }

    /// A colour without its brightness: the shares of the channels in their sum.
    record Chromaticity(double red, double green, double blue) {

        /// The shares; those of grey for black.
        static Chromaticity of(double red, double green, double blue) {
            double sum = red + green + blue;
            return sum <= 0
                    ? new Chromaticity(1 / 3.0, 1 / 3.0, 1 / 3.0)
                    : new Chromaticity(red / sum, green / sum, blue / sum);
        }

        private static Chromaticity of(Light.Albedo albedo) {
            return of(albedo.red(), albedo.green(), albedo.blue());
        }

        /// The choice whose colour under white light is nearest.
        <T extends Description.Colour> T nearest(T[] choices) {
            T best = choices[0];
            double least = Double.POSITIVE_INFINITY;
            for (T choice : choices) {
                double distance = distance(of(choice.albedo()));
                if (distance < least) {
                    least = distance;
                    best = choice;
                }
            }
            return best;
        }

        private double distance(Chromaticity other) {
            return Math.hypot(Math.hypot(red - other.red, green - other.green), blue - other.blue);
        }
    }

    /// The background of an image, as if there were nothing before it.
    ///
    /// For each channel a slope, fitted by least squares to the pixels of the border, then twice more to those of them
    /// that it fits best: a shape that touches the border does not count.
    static final class BackgroundFit {

        /// Width of the border, in sides of the image.
        private static final double BORDER = 3 / 64.0;

        private static final int ROUNDS = 3;

        /// Share of the border's pixels that later rounds look at.
        private static final double KEPT = 0.7;

        /// A pixel of the border.
        private record Point(int x, int y) {}

        private BackgroundFit() {}

        static Canvas of(Canvas image) {
            ImageSize size = image.size();
            List<Point> all = border(size);
            List<Point> inliers = all;
            Canvas fit = image;
            for (int round = 0; round < ROUNDS; round++) {
                List<Point> points = inliers;
                Canvas current = Canvas.of(channel -> slope(image.channels().get(channel), points));
                fit = current;
                inliers = all.stream()
                        .sorted(Comparator.comparingDouble(point -> distance(image, current, point.x(), point.y())))
                        .limit(Math.round(KEPT * all.size()))
                        .toList();
            }
            return fit;
        }

        /// How far apart two images are at a pixel.
        static double distance(Canvas a, Canvas b, int x, int y) {
            double sum = 0;
            for (int channel = 0; channel < RgbImage.CHANNELS; channel++) {
                double difference = a.channels().get(channel).at(x, y)
                        - b.channels().get(channel).at(x, y);
                sum += difference * difference;
            }
            return Math.sqrt(sum);
        }

        private static List<Point> border(ImageSize size) {
            int width = (int) Math.max(1, Math.round(BORDER * Math.min(size.width(), size.height())));
            List<Point> points = new ArrayList<>();
            for (int y = 0; y < size.height(); y++) {
                for (int x = 0; x < size.width(); x++) {
                    int inside = Math.min(Math.min(x, y), Math.min(size.width() - 1 - x, size.height() - 1 - y));
                    if (inside < width) {
                        points.add(new Point(x, y));
                    }
                }
            }
            return points;
        }

        /// The least squares fit of `mean + right * x + down * y`, x and y measured from the mean of the points.
        private static Plane slope(Plane plane, List<Point> points) {
            double meanX = points.stream().mapToInt(Point::x).average().orElseThrow();
            double meanY = points.stream().mapToInt(Point::y).average().orElseThrow();
            double sum = 0;
            double xx = 0;
            double xy = 0;
            double yy = 0;
            double xv = 0;
            double yv = 0;
            for (Point point : points) {
                double x = point.x() - meanX;
                double y = point.y() - meanY;
                double value = plane.at(point.x(), point.y());
                sum += value;
                xx += x * x;
                xy += x * y;
                yy += y * y;
                xv += x * value;
                yv += y * value;
            }
            double mean = sum / points.size();
            double determinant = xx * yy - xy * xy;
            double right = (xv * yy - yv * xy) / determinant;
            double down = (yv * xx - xv * xy) / determinant;
            return Plane.of(plane.size(), (x, y) -> Math.max(0, mean + right * (x - meanX) + down * (y - meanY)));
        }
    }
}
