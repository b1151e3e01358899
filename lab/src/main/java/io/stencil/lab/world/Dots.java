package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import java.awt.geom.Point2D;
import java.util.List;
import java.util.stream.IntStream;

/// A row of white dots along the bottom, as many as a number says, from the left.
public final class Dots {

    /// Most dots that there is room for.
    public static final int MOST = 5;

    /// In sides of the image.
    public static final double RADIUS = 0.042;

    private static final double FIRST = 0.1;
    private static final double STEP = 0.2;
    private static final double DOWN = 0.91;

    private Dots() {}

    /// Where the middles of the dots are, in sides of the image.
    public static List<Point2D> places() {
        return IntStream.range(0, MOST)
                .<Point2D>mapToObj(i -> new Point2D.Double(FIRST + i * STEP, DOWN))
                .toList();
    }

    /// @param count 0 to [#MOST]
    public static Surface on(Surface surface, int count) {
        ImageSize size = surface.size();
        List<Point2D> places = places().subList(0, count);
        Plane cover = Plane.of(size, (x, y) -> {
            double nearest = places.stream()
                    .mapToDouble(dot -> dot.distance((x + 0.5) / size.width(), (y + 0.5) / size.height()))
                    .min()
                    .orElse(1);
            return Math.clamp(0.5 + (RADIUS - nearest) * size.width() / 1.5, 0, 1);
        });
        return surface.under(cover, Description.ShapeColour.WHITE.albedo());
    }
}
