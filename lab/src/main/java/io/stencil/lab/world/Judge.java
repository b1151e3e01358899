package io.stencil.lab.world;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.RgbImage;
import java.util.List;
import java.util.Optional;

/// Tells from pixels alone what a picture of the world shows, whatever the light.
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
        Canvas picture = canvas(image);
        Canvas background = BackgroundFit.of(picture);
        Chromaticity behind = Chromaticity.of(
                background.channels().get(0).mean(),
                background.channels().get(1).mean(),
                background.channels().get(2).mean());
        Optional<Verdict.Shape> shape = Segmentation.of(picture, background).map(Judge::shape);
        return new Verdict(behind.nearest(List.of(Background.values()), Background::albedo), shape.orElse(null));
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
                seen.colour().nearest(List.of(ShapeColour.values()), ShapeColour::albedo),
                silhouette.x(),
                silhouette.y(),
                silhouette.radius());
    }

    /// How much of each pixel the shape covers; 0 everywhere when there is none.
    ///
    /// @throws InvalidRequestException when a side has fewer than 16 pixels
    public static Plane coverage(RgbImage image) {
        Canvas picture = canvas(image);
        return Segmentation.of(picture, BackgroundFit.of(picture))
                .map(Segmentation::coverage)
                .orElseGet(() -> Plane.of(image.size(), (x, y) -> 0));
    }
}
