package io.stencil.lab.world;

/// Where the middle of a shape is.
public enum Position {
    LEFT("on the left", -1, 0),
    RIGHT("on the right", 1, 0),
    TOP("at the top", 0, -1),
    BOTTOM("at the bottom", 0, 1),
    CENTER("in the center", 0, 0);

    /// Distance from the middle of the picture to the places at its sides, in sides of the picture.
    public static final double OFFSET = 0.2;

    private final String words;
    private final int right;
    private final int down;

    Position(String words, int right, int down) {
        this.words = words;
        this.right = right;
        this.down = down;
    }

    /// As captions call it.
    public String words() {
        return words;
    }

    /// From the left edge, in sides of the picture.
    public double x() {
        return 0.5 + OFFSET * right;
    }

    /// From the top edge, in sides of the picture.
    public double y() {
        return 0.5 + OFFSET * down;
    }

    /// All but the one at the bottom.
    public static Position[] aboveBottom() {
        return new Position[] {LEFT, RIGHT, TOP, CENTER};
    }

    /// The place that is nearest to a point.
    public static Position nearest(double x, double y) {
        Position best = CENTER;
        for (Position place : values()) {
            if (Math.hypot(place.x() - x, place.y() - y) < Math.hypot(best.x() - x, best.y() - y)) {
                best = place;
            }
        }
        return best;
    }
}
