package io.stencil.lab.world;

/// How large a shape is. Its radius varies within a range; between the two ranges lies a gap.
public enum ShapeSize {
    SMALL("small", 0.125, 0.15),
    LARGE("large", 0.205, 0.235);

    /// Half-way between the largest small radius and the smallest large one, as areas see it.
    public static final double THRESHOLD = Math.sqrt(0.15 * 0.205);

    private final String word;
    private final double least;
    private final double most;

    ShapeSize(String word, double least, double most) {
        this.word = word;
        this.least = least;
        this.most = most;
    }

    /// As captions call it.
    public String word() {
        return word;
    }

    /// A radius of this size, in sides of the picture.
    ///
    /// @param part 0..1, from the least to the most
    public double radius(double part) {
        return least + part * (most - least);
    }

    /// The size of a shape of this radius.
    public static ShapeSize of(double radius) {
        return radius < THRESHOLD ? SMALL : LARGE;
    }
}
