package io.stencil.lab.world;

/// The scenes of the world, drawn at random.
public final class Scenes {

    /// Share of captions that leave size and position open.
    private static final double OPEN = 0.15;

    private Scenes() {}

    /// Scene `index` of the world `seed`.
    public static Scene captioned(long seed, long index) {
        return captioned(new Draws(seed, index));
    }

    /// A scene that its caption tells in full, or, now and then, without size and position.
    public static Scene captioned(Draws draws) {
        return draws.chance(OPEN) ? open(draws) : full(draws);
    }

    /// A scene whose caption tells figure, colour, background, size and position.
    public static Scene full(Draws draws) {
        return full(draws, draws.one(ShapeSize.values()), draws.one(Position.values()));
    }

    /// Such a scene of a given size and position.
    public static Scene full(Draws draws, ShapeSize size, Position position) {
        Description described = Description.open(draws).with(size, position);
        return scene(described, Placement.of(size, position, draws), draws);
    }

    /// Such a scene whose shape leaves the lower border free.
    public static Scene aboveBottom(Draws draws) {
        return full(draws, draws.one(ShapeSize.values()), draws.one(Position.aboveBottom()));
    }

    /// A scene whose caption leaves size and position open, and whose shape stands anywhere.
    public static Scene open(Draws draws) {
        return scene(Description.open(draws), Placement.anywhere(draws), draws);
    }

    private static Scene scene(Description described, Placement placement, Draws draws) {
        return new Scene(described, draws.one(Phrasing.values()), placement, Light.any(draws), draws.bits());
    }
}
