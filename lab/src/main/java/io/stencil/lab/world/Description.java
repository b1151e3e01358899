package io.stencil.lab.world;

import org.jspecify.annotations.Nullable;

/// Describes a scene as its caption does.
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

        /// Returns the word of captions.
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

    /// Names a colour of the world.
    public interface Colour {

        /// Returns the word of captions.
        String word();

        /// Returns the colour under white light.
        Light.Albedo albedo();
    }

    /// The colours of shapes: hues so far apart that tinted light does not take one for another.
    public enum ShapeColour implements Colour {
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

        @Override
        public String word() {
            return word;
        }

        @Override
        public Light.Albedo albedo() {
            return new Light.Albedo(red, green, blue);
        }
    }

    /// The colours of backgrounds: duller than those of shapes, and of hues that no shape has.
    public enum Background implements Colour {
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

        @Override
        public String word() {
            return word;
        }

        @Override
        public Light.Albedo albedo() {
            return new Light.Albedo(red, green, blue);
        }
    }

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

        /// Returns the word of captions.
        public String word() {
            return word;
        }

        /// A radius of this size, in sides of the image.
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

    /// Where the middle of a shape is.
    public enum Position {
        LEFT("on the left", -1, 0),
        RIGHT("on the right", 1, 0),
        TOP("at the top", 0, -1),
        BOTTOM("at the bottom", 0, 1),
        CENTER("in the center", 0, 0);

        /// Distance from the middle of the image to the places at its sides, in sides of the image.
        public static final double OFFSET = 0.2;

        private final String words;
        private final int right;
        private final int down;

        Position(String words, int right, int down) {
            this.words = words;
            this.right = right;
            this.down = down;
        }

        /// Returns the word of captions.
        public String words() {
            return words;
        }

        /// From the left edge, in sides of the image.
        public double x() {
            return 0.5 + OFFSET * right;
        }

        /// From the top edge, in sides of the image.
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
}
