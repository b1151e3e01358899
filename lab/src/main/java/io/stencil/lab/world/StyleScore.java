package io.stencil.lab.world;

import io.stencil.image.RgbImage;
import java.awt.geom.Point2D;
import java.util.function.BiPredicate;

/// How strongly a picture shows a style: for the same scene, more of the style gives a higher score.
public final class StyleScore {

    /// Side of the corners that a vignette darkens, in sides of the picture.
    private static final double CORNER = 0.125;

    /// How much brighter than what surrounds it a dot must be.
    private static final double DOT_CONTRAST = 1.15;

    private StyleScore() {}

    public static double of(Style style, RgbImage image) {
        Canvas picture = Canvas.of(image);
        return switch (style) {
            case VIVID -> PixelStatistics.meanSaturation(image);
            case VIGNETTE ->
                1 - brightness(picture, StyleScore::isCorner) / brightness(picture, (x, y) -> !isCorner(x, y));
            case DUSK -> warmth(picture, 0.5, 1) - warmth(picture, 0, 0.5);
            case FRAME -> brightness(picture, StyleScore::isFrame) - brightness(picture, (x, y) -> !isFrame(x, y));
        };
    }

    /// How many dots ([Dots]) a picture shows.
    public static int dots(RgbImage image) {
        Canvas picture = Canvas.of(image);
        int count = 0;
        for (Point2D dot : Dots.places()) {
            double inside = brightness(picture, (x, y) -> dot.distance(x, y) < 0.7 * Dots.RADIUS);
            double around = brightness(
                    picture,
                    (x, y) -> dot.distance(x, y) > 1.4 * Dots.RADIUS && dot.distance(x, y) < 2.1 * Dots.RADIUS);
            count += inside > DOT_CONTRAST * around ? 1 : 0;
        }
        return count;
    }

    private static boolean isCorner(double x, double y) {
        return Math.min(x, 1 - x) < CORNER && Math.min(y, 1 - y) < CORNER;
    }

    private static boolean isFrame(double x, double y) {
        return Math.min(Math.min(x, y), Math.min(1 - x, 1 - y)) < Style.FRAME_WIDTH;
    }

    /// Mean of the pixels whose middle, in sides of the picture, `counts`.
    private static double brightness(Canvas picture, BiPredicate<Double, Double> counts) {
        double sum = 0;
        int count = 0;
        for (int y = 0; y < picture.size().height(); y++) {
            for (int x = 0; x < picture.size().width(); x++) {
                if (counts.test(
                        (x + 0.5) / picture.size().width(),
                        (y + 0.5) / picture.size().height())) {
                    sum += picture.mean(x, y);
                    count++;
                }
            }
        }
        return sum / count;
    }

    /// `(red - blue) / (red + blue)` of the rows between two heights.
    private static double warmth(Canvas picture, double from, double to) {
        double red = 0;
        double blue = 0;
        for (int y = (int) (from * picture.size().height());
                y < to * picture.size().height();
                y++) {
            for (int x = 0; x < picture.size().width(); x++) {
                red += picture.channels().get(0).at(x, y);
                blue += picture.channels().get(2).at(x, y);
            }
        }
        return (red - blue) / (red + blue);
    }
}
