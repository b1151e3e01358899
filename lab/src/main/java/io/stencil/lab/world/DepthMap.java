package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;

/// How near things are: the nearer, the brighter. It tells shape, size and position, and no colour.
public final class DepthMap {

    private static final double SHAPE = 0.9;
    private static final double FAR = 0.1;
    private static final double NEAR = 0.3;

    private DepthMap() {}

    /// The shape before a floor that comes nearer towards the bottom.
    public static RgbImage of(Scene scene, ImageSize size) {
        Plane coverage = Outline.coverage(scene.described().figure(), scene.placement(), size);
        Plane depth = Plane.of(size, (x, y) -> {
            double floor = FAR + (NEAR - FAR) * (y + 0.5) / size.height();
            double covered = coverage.at(x, y);
            return covered * SHAPE + (1 - covered) * floor;
        });
        return Canvas.of(_ -> depth).toImage();
    }
}
