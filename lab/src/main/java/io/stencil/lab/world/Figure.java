package io.stencil.lab.world;

/// The classes of shapes.
public enum Figure {
    CIRCLE("circle"),
    SQUARE("square"),
    TRIANGLE("triangle"),
    /// A circle with a hole of [#HOLE] times its radius.
    RING("ring");

    /// Half the side of a square of radius 1.
    public static final double HALF_SIDE = 0.84;

    /// From the middle of a triangle of radius 1 to its corners.
    public static final double CORNER = 1.35;

    /// Radius of the hole of a ring of radius 1.
    public static final double HOLE = 0.45;

    private final String word;

    Figure(String word) {
        this.word = word;
    }

    /// As captions call it.
    public String word() {
        return word;
    }

    /// Area of the figure of radius 1, a ring's hole included.
    public double area() {
        return switch (this) {
            case CIRCLE, RING -> Math.PI;
            case SQUARE -> 4 * HALF_SIDE * HALF_SIDE;
            case TRIANGLE -> 0.75 * Math.sqrt(3) * CORNER * CORNER;
        };
    }
}
