package io.stencil.lab.world;

/// The colours of shapes: hues so far apart that tinted light does not take one for another.
public enum ShapeColour {
    RED("red", 0.86, 0.15, 0.14),
    YELLOW("yellow", 0.93, 0.83, 0.16),
    GREEN("green", 0.18, 0.66, 0.22),
    BLUE("blue", 0.16, 0.36, 0.94),
    PURPLE("purple", 0.60, 0.20, 0.80),
    WHITE("white", 0.93, 0.93, 0.91);

    private final String word;
    private final double red;
    private final double green;
    private final double blue;

    ShapeColour(String word, double red, double green, double blue) {
        this.word = word;
        this.red = red;
        this.green = green;
        this.blue = blue;
    }

    /// As captions call it.
    public String word() {
        return word;
    }

    public Albedo albedo() {
        return new Albedo(red, green, blue);
    }
}
