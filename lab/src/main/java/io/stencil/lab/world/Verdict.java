package io.stencil.lab.world;

import org.jspecify.annotations.Nullable;

/// What the judge saw in a picture.
///
/// @param shape null when nothing stands out from the background
public record Verdict(Background background, @Nullable Shape shape) {

    /// @param x middle of its bounds, in sides of the picture from the left edge, `y` from the top
    /// @param radius of a circle, in sides of the picture; as [io.stencil.lab.world.Placement] has it
    public record Shape(Figure figure, ShapeColour colour, double x, double y, double radius) {

        public ShapeSize size() {
            return ShapeSize.of(radius);
        }

        public Position position() {
            return Position.nearest(x, y);
        }
    }
}
