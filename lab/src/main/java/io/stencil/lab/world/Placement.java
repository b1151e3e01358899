package io.stencil.lab.world;

/// Where a shape stands, in sides of the picture, so that the same scene can be painted at any size.
///
/// @param x middle of the shape's bounds, from the left edge
/// @param y middle of the shape's bounds, from the top edge
/// @param radius of a circle; other shapes have about its area
/// @param turn in radians, clockwise
public record Placement(double x, double y, double radius, double turn) {

    private static final double ALONG = 0.015;
    private static final double ACROSS = 0.03;
    private static final double TURN = Math.toRadians(5);

    /// Most that a shape of radius 1 reaches from its middle, turned.
    private static final double REACH = 1.25;

    /// A place that `size` and `position` describe.
    static Placement of(ShapeSize size, Position position, Draws draws) {
        boolean sideways = position == Position.LEFT || position == Position.RIGHT;
        return new Placement(
                position.x() + draws.around(sideways ? ALONG : ACROSS),
                position.y() + draws.around(sideways ? ACROSS : ALONG),
                size.radius(draws.unit()),
                draws.around(TURN));
    }

    /// Any place and size that keeps a shape inside the picture.
    static Placement anywhere(Draws draws) {
        double radius = draws.between(ShapeSize.SMALL.radius(0), ShapeSize.LARGE.radius(1));
        double reach = REACH * radius;
        return new Placement(
                draws.between(reach, 1 - reach), draws.between(reach, 1 - reach), radius, draws.around(TURN));
    }
}
