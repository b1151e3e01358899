package io.stencil.lab.world;

import org.jspecify.annotations.Nullable;

/// What a caption says about a scene.
///
/// @param size null when the caption leaves it open; so is `position`
public record Description(
        Figure figure,
        ShapeColour colour,
        Background background,
        @Nullable ShapeSize size,
        @Nullable Position position) {

    /// Figure, colour and background, each as likely as any other; size and position open.
    static Description open(Draws draws) {
        return new Description(
                draws.one(Figure.values()),
                draws.one(ShapeColour.values()),
                draws.one(Background.values()),
                null,
                null);
    }

    Description with(@Nullable ShapeSize otherSize, @Nullable Position otherPosition) {
        return new Description(figure, colour, background, otherSize, otherPosition);
    }

    public Description withColour(ShapeColour other) {
        return new Description(figure, other, background, size, position);
    }

    public Description withBackground(Background other) {
        return new Description(figure, colour, other, size, position);
    }

    public Description withFigure(Figure other) {
        return new Description(other, colour, background, size, position);
    }
}
