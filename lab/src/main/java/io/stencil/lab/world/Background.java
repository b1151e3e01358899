package io.stencil.lab.world;

/// The colours of backgrounds: duller than those of shapes, and of hues that no shape has.
public enum Background {
    GRAY("gray", 0.42, 0.42, 0.42),
    PINK("pink", 0.64, 0.36, 0.45),
    TEAL("teal", 0.16, 0.45, 0.46),
    BROWN("brown", 0.48, 0.32, 0.17);

    private final String word;
    private final double red;
    private final double green;
    private final double blue;

    Background(String word, double red, double green, double blue) {
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
