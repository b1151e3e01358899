package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.Resampler;
import io.stencil.image.RgbImage;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.geom.AffineTransform;
import java.awt.geom.Area;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.awt.image.Raster;

/// Renders scenes.
public final class Renderer {

    /// Factor by which images are reduced that have lost their detail.
    private static final int REDUCTION = 4;

    /// Subpixels along a side of a pixel.
    private static final int FINE = 4;

    /// Softness of edges, in 64ths of the image's side.
    private static final double SOFTNESS = 0.45;

    /// Brightness in a map of depth.
    private static final double SHAPE = 0.9;
    private static final double FAR = 0.1;
    private static final double NEAR = 0.3;

    private Renderer() {}

    /// The same scene and size give the same bytes.
    public static RgbImage paint(Scene scene, ImageSize size) {
        return canvas(scene, size).toImage();
    }

    /// The image before its samples are rounded, for what is still to be done to it.
    public static Canvas canvas(Scene scene, ImageSize size) {
        return Surface.of(scene, size).lit(scene.light());
    }

    /// A map of depth, the nearer the brighter: the shape before a floor that comes nearer towards the bottom. It shows
    /// shape, size and position, and no colour.
    public static RgbImage depth(Scene scene, ImageSize size) {
        Plane coverage = coverage(scene.described().figure(), scene.placement(), size);
        Plane depth = Plane.of(size, (x, y) -> {
            double floor = FAR + (NEAR - FAR) * (y + 0.5) / size.height();
            double covered = coverage.at(x, y);
            return covered * SHAPE + (1 - covered) * floor;
        });
        return Canvas.of(_ -> depth).toImage();
    }

    /// Resizes an image to a quarter of its sides and back, so that it loses its detail.
    public static RgbImage reduced(RgbImage image) {
        ImageSize small = new ImageSize(image.width() / REDUCTION, image.height() / REDUCTION);
        RgbImage reduced = Resampler.resize(image, small, Resampler.Filter.BICUBIC);
        return Resampler.resize(reduced, image.size(), Resampler.Filter.BICUBIC);
    }

    /// Coverage of each pixel by a shape: 1 inside, 0 outside, and soft between.
    public static Plane coverage(Description.Figure figure, Scene.Placement placement, ImageSize size) {
        BufferedImage canvas =
                new BufferedImage(size.width() * FINE, size.height() * FINE, BufferedImage.TYPE_BYTE_GRAY);
        Graphics2D graphics = canvas.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
        graphics.setColor(Color.WHITE);
        graphics.fill(placed(figure, placement, canvas.getWidth(), canvas.getHeight()));
        graphics.dispose();
        return mean(canvas.getRaster(), size).blurred(SOFTNESS * size.width() / 64);
    }

    private static Shape placed(Description.Figure figure, Scene.Placement placement, int width, int height) {
        AffineTransform place = new AffineTransform();
        place.translate(placement.x() * width, placement.y() * height);
        place.rotate(placement.turn());
        place.scale(placement.radius() * width, placement.radius() * height);
        return place.createTransformedShape(ofRadiusOne(figure));
    }

    private static Shape ofRadiusOne(Description.Figure figure) {
        return switch (figure) {
            case CIRCLE -> circle(1);
            case SQUARE ->
                new Rectangle2D.Double(
                        -Description.Figure.HALF_SIDE,
                        -Description.Figure.HALF_SIDE,
                        2 * Description.Figure.HALF_SIDE,
                        2 * Description.Figure.HALF_SIDE);
            case TRIANGLE -> triangle();
            case RING -> ring();
        };
    }

    private static Shape circle(double radius) {
        return new Ellipse2D.Double(-radius, -radius, 2 * radius, 2 * radius);
    }

    /// All sides equal, the tip up, the middle of its bounds at 0.
    private static Shape triangle() {
        double halfHeight = 0.75 * Description.Figure.CORNER;
        double halfBase = Math.sqrt(3) / 2 * Description.Figure.CORNER;
        Path2D path = new Path2D.Double();
        path.moveTo(0, -halfHeight);
        path.lineTo(halfBase, halfHeight);
        path.lineTo(-halfBase, halfHeight);
        path.closePath();
        return path;
    }

    private static Shape ring() {
        Area ring = new Area(circle(1));
        ring.subtract(new Area(circle(Description.Figure.HOLE)));
        return ring;
    }

    private static Plane mean(Raster fine, ImageSize size) {
        return Plane.of(size, (x, y) -> {
            int sum = 0;
            for (int i = 0; i < FINE * FINE; i++) {
                sum += fine.getSample(x * FINE + i % FINE, y * FINE + i / FINE, 0);
            }
            return sum / (255.0 * FINE * FINE);
        });
    }
}
