package io.stencil.lab.world;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import java.util.BitSet;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Recognises from pixels alone what an image of the world shows, whatever the light.
///
/// ```java
/// Verdict verdict = Judge.look(image);
/// verdict.background();      // TEAL
/// ```
public final class Judge {

    private static final int LEAST_SIDE = 16;

    private Judge() {}

    /// @throws InvalidRequestException when a side has fewer than 16 pixels
    public static Verdict look(RgbImage image) {
        Canvas canvas = canvas(image);
        Canvas background = Segmentation.BackgroundFit.of(canvas);
        Segmentation.Chromaticity behind = Segmentation.Chromaticity.of(
                background.channels().get(0).mean(),
                background.channels().get(1).mean(),
                background.channels().get(2).mean());
        Optional<Verdict.Shape> shape = Segmentation.of(canvas, background).map(Judge::shape);
        return new Verdict(behind.nearest(Description.Background.values()), shape.orElse(null));
    }

    private static Canvas canvas(RgbImage image) {
        if (Math.min(image.width(), image.height()) < LEAST_SIDE) {
            throw new InvalidRequestException("image", "%s pixels are too few to judge".formatted(image.size()));
        }
        return Canvas.of(image);
    }

    private static Verdict.Shape shape(Segmentation seen) {
        Silhouette silhouette = Silhouette.of(seen.coverage());
        return new Verdict.Shape(
                silhouette.figure(),
                seen.colour().nearest(Description.ShapeColour.values()),
                silhouette.x(),
                silhouette.y(),
                silhouette.radius());
    }

    /// How much of each pixel the shape covers; 0 everywhere when there is none.
    ///
    /// @throws InvalidRequestException when a side has fewer than 16 pixels
    public static Plane coverage(RgbImage image) {
        Canvas canvas = canvas(image);
        return Segmentation.of(canvas, Segmentation.BackgroundFit.of(canvas))
                .map(Segmentation::coverage)
                .orElseGet(() -> Plane.of(image.size(), (x, y) -> 0));
    }

    /// Describes what the judge recognises in an image.
    ///
    /// @param shape null when nothing stands out from the background
    public record Verdict(
            Description.Background background, @Nullable Shape shape) {

        /// @param x middle of its bounds, in sides of the image from the left edge, `y` from the top
        /// @param radius of a circle, in sides of the image; as [io.stencil.lab.world.Scene.Placement] has it
        public record Shape(
                Description.Figure figure, Description.ShapeColour colour, double x, double y, double radius) {

            public Description.ShapeSize size() {
                return Description.ShapeSize.of(radius);
            }

            public Description.Position position() {
                return Description.Position.nearest(x, y);
            }
        }
    }

    /// The geometry of a shape, measured on its coverage.
    ///
    /// The class comes from complex moments about the centre, `M_k = |sum z^k| / sum |z|^k`, which neither place,
    /// size nor turn changes: a triangle has a large `M_3`, a square a large `M_4`, a disc neither; a ring is empty
    /// in the middle.
    ///
    /// @param x middle of the bounds, in sides of the image from the left edge, `y` from the top
    /// @param area holes included, in squares of the image's sides
    /// @param middle mean coverage about the centre
    /// @param third `M_3`
    /// @param fourth `M_4`
    private record Silhouette(double x, double y, double area, double middle, double third, double fourth) {

        /// `M_3` of a triangle with equal sides, by integration.
        static final double TRIANGLE = 0.5766;

        /// `M_4` of a square, `(2/5 - 6/9) / (2/5 + 2/9)`.
        static final double SQUARE = 3 / 7.0;

        /// Radius about the centre within which a ring is empty, in radii of a disc of the shape's area.
        private static final double MIDDLE = 0.22;

        static Silhouette of(Plane coverage) {
            ImageSize size = coverage.size();
            double filled = filled(coverage);
            Sums sums = new Sums(coverage);
            double pixels = size.width() * (double) size.height();
            double reach = MIDDLE * Math.sqrt(filled / Math.PI);
            return new Silhouette(
                    (sums.left + sums.right) / 2 / size.width(),
                    (sums.top + sums.bottom) / 2 / size.height(),
                    filled / pixels,
                    sums.around(reach),
                    sums.moment(3),
                    sums.moment(4));
        }

        Description.Figure figure() {
            if (middle < 0.5) {
                return Description.Figure.RING;
            }
            double circle = Math.hypot(third, fourth);
            double triangle = Math.hypot(third - TRIANGLE, fourth);
            double square = Math.hypot(third, fourth - SQUARE);
            if (circle <= triangle && circle <= square) {
                return Description.Figure.CIRCLE;
            }
            return triangle < square ? Description.Figure.TRIANGLE : Description.Figure.SQUARE;
        }

        /// As [io.stencil.lab.world.Scene.Placement] has it.
        double radius() {
            return Math.sqrt(area / figure().area());
        }

        /// Covered pixels, and those that lie inside of them.
        private static double filled(Plane coverage) {
            ImageSize size = coverage.size();
            BitSet outside = new BitSet();
            for (int at = 0; at < coverage.values().length; at++) {
                boolean edge = at % size.width() == 0
                        || at % size.width() == size.width() - 1
                        || at < size.width()
                        || at >= coverage.values().length - size.width();
                if (edge && coverage.values()[at] < 0.5 && !outside.get(at)) {
                    outside.or(Segmentation.Component.from(size, at, next -> coverage.values()[next] < 0.5));
                }
            }
            double filled = 0;
            for (int at = 0; at < coverage.values().length; at++) {
                double covered = coverage.values()[at];
                filled += outside.get(at) || covered >= 0.5 ? covered : 1;
            }
            return filled;
        }

        /// Sums over covered pixels.
        private static final class Sums {

            private final Plane coverage;
            private final double centreX;
            private final double centreY;
            private double left = Double.POSITIVE_INFINITY;
            private double right;
            private double top = Double.POSITIVE_INFINITY;
            private double bottom;

            Sums(Plane coverage) {
                this.coverage = coverage;
                double weight = 0;
                double sumX = 0;
                double sumY = 0;
                for (int y = 0; y < coverage.size().height(); y++) {
                    for (int x = 0; x < coverage.size().width(); x++) {
                        double covered = coverage.at(x, y);
                        weight += covered;
                        sumX += covered * (x + 0.5);
                        sumY += covered * (y + 0.5);
                        if (covered >= 0.5) {
                            left = Math.min(left, x);
                            right = Math.max(right, x + 1.0);
                            top = Math.min(top, y);
                            bottom = Math.max(bottom, y + 1.0);
                        }
                    }
                }
                centreX = sumX / weight;
                centreY = sumY / weight;
            }

            double moment(int order) {
                double real = 0;
                double imaginary = 0;
                double absolute = 0;
                for (int y = 0; y < coverage.size().height(); y++) {
                    for (int x = 0; x < coverage.size().width(); x++) {
                        if (coverage.at(x, y) == 0) {
                            continue;
                        }
                        double away = Math.hypot(x + 0.5 - centreX, y + 0.5 - centreY);
                        double angle = Math.atan2(y + 0.5 - centreY, x + 0.5 - centreX);
                        double weight = coverage.at(x, y) * Math.pow(away, order);
                        real += weight * Math.cos(order * angle);
                        imaginary += weight * Math.sin(order * angle);
                        absolute += weight;
                    }
                }
                return absolute == 0 ? 0 : Math.hypot(real, imaginary) / absolute;
            }

            /// Mean coverage of pixels within `radius` of the centre; of the nearest one at least.
            double around(double radius) {
                double reach = Math.max(radius, 0.75);
                double sum = 0;
                int count = 0;
                for (int y = 0; y < coverage.size().height(); y++) {
                    for (int x = 0; x < coverage.size().width(); x++) {
                        if (Math.hypot(x + 0.5 - centreX, y + 0.5 - centreY) <= reach) {
                            sum += coverage.at(x, y);
                            count++;
                        }
                    }
                }
                return sum / count;
            }
        }
    }
}
