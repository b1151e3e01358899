package io.stencil.lab.world;

/// How many of a number of images show what was asked.
///
/// @param images looked at
/// @param sizes sizes in captions, so is `positions`: captions may leave them open
/// @param size right ones among them, so is `position`
public record Score(
        int images, int colour, int background, int figure, int sizes, int size, int positions, int position) {

    public static final Score NONE = new Score(0, 0, 0, 0, 0, 0, 0, 0);

    /// With one more image. An image without a shape is wrong in all but the background.
    public Score plus(Description asked, Judge.Verdict seen) {
        Judge.Verdict.Shape shape = seen.shape();
        return new Score(
                images + 1,
                colour + one(shape != null && shape.colour() == asked.colour()),
                background + one(seen.background() == asked.background()),
                figure + one(shape != null && shape.figure() == asked.figure()),
                sizes + one(asked.size() != null),
                size + one(asked.size() != null && shape != null && shape.size() == asked.size()),
                positions + one(asked.position() != null),
                position + one(asked.position() != null && shape != null && shape.position() == asked.position()));
    }

    private static int one(boolean right) {
        return right ? 1 : 0;
    }

    public double colourAccuracy() {
        return colour / (double) images;
    }

    public double backgroundAccuracy() {
        return background / (double) images;
    }

    public double figureAccuracy() {
        return figure / (double) images;
    }

    public double sizeAccuracy() {
        return size / (double) sizes;
    }

    public double positionAccuracy() {
        return position / (double) positions;
    }
}
