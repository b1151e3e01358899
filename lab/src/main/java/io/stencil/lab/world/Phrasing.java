package io.stencil.lab.world;

/// The sentences that captions are made of.
public enum Phrasing {
    /// `a large red circle on the left, teal background`
    SHAPE_FIRST("a %s, %s background"),
    /// `a teal background, a large red circle on the left`
    BACKGROUND_FIRST("a %2$s background, a %1$s"),
    /// `a picture of a large red circle on the left, teal background`
    PICTURE("a picture of a %s, %s background");

    private final String format;

    Phrasing(String format) {
        this.format = format;
    }

    /// A caption of at most 15 words; what the description leaves open is left out.
    public String caption(Description described) {
        StringBuilder shape = new StringBuilder();
        if (described.size() != null) {
            shape.append(described.size().word()).append(' ');
        }
        shape.append(described.colour().word())
                .append(' ')
                .append(described.figure().word());
        if (described.position() != null) {
            shape.append(' ').append(described.position().words());
        }
        return format.formatted(shape, described.background().word());
    }
}
