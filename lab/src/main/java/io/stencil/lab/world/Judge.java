package io.stencil.lab.world;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.RgbImage;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Tells from pixels alone what an image of the world shows, whatever the light.
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
        Segmentation.Chromaticity behind = Segmentation.Chromaticity.of(
                background.channels().get(0).mean(),
                background.channels().get(1).mean(),
                background.channels().get(2).mean());
        Optional<Verdict.Shape> shape = Segmentation.of(picture, background).map(Judge::shape);
        return new Verdict(
                behind.nearest(List.of(Description.Background.values()), Description.Background::albedo),
                shape.orElse(null));
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
                seen.colour().nearest(List.of(Description.ShapeColour.values()), Description.ShapeColour::albedo),
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

    /// What the judge saw in an image.
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
}
