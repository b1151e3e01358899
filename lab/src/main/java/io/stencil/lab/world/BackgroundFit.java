package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// The background of an image, as if there were nothing before it.
///
/// For each channel a slope, fitted by least squares to the pixels of the border, then twice more to those of them
/// that it fits best: a shape that touches the border does not count.
final class BackgroundFit {

    /// Width of the border, in sides of the image.
    private static final double BORDER = 3 / 64.0;

    private static final int ROUNDS = 3;

    /// Share of the border's pixels that later rounds look at.
    private static final double KEPT = 0.7;

    /// A pixel of the border.
    private record Point(int x, int y) {}

    private BackgroundFit() {}

    static Canvas of(Canvas picture) {
        ImageSize size = picture.size();
        List<Point> all = border(size);
        List<Point> kept = all;
        Canvas fit = picture;
        for (int round = 0; round < ROUNDS; round++) {
            List<Point> points = kept;
            Canvas current = Canvas.of(channel -> slope(picture.channels().get(channel), points));
            fit = current;
            kept = all.stream()
                    .sorted(Comparator.comparingDouble(point -> distance(picture, current, point.x(), point.y())))
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
