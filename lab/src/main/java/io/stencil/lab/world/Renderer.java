package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;

/// Scenes to pictures.
public final class Renderer {

    private Renderer() {}

    /// The same scene and size give the same bytes.
    public static RgbImage paint(Scene scene, ImageSize size) {
        return canvas(scene, size).toImage();
    }

    /// The picture before its samples are rounded, for what is still to be done to it.
    public static Canvas canvas(Scene scene, ImageSize size) {
        return Surface.of(scene, size).lit(scene.light());
    }
}
