package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;

/// Describes everything that an image shows.
///
/// @param described what its caption says
/// @param texture seed of the surfaces' texture
public record Scene(Description described, Phrasing phrasing, Placement placement, Light light, long texture) {

    /// Share of captions that leave size and position open.
    private static final double OPEN = 0.15;

    /// Draws a scene whose caption is complete, or, now and then, without size and position.
    public static Scene captioned(Draws draws) {
        return draws.chance(OPEN) ? open(draws) : full(draws);
    }

    /// Draws a scene whose caption names figure, colour, background, size and position.
    public static Scene full(Draws draws) {
        return full(draws, draws.one(Description.ShapeSize.values()), draws.one(Description.Position.values()));
    }

    /// Draws such a scene of a given size and position.
    public static Scene full(Draws draws, Description.ShapeSize size, Description.Position position) {
        Description described = Description.open(draws).with(size, position);
        return scene(described, Placement.of(size, position, draws), draws);
    }

    /// Draws such a scene whose shape leaves the lower border free.
    public static Scene aboveBottom(Draws draws) {
        return full(draws, draws.one(Description.ShapeSize.values()), draws.one(Description.Position.aboveBottom()));
    }

    /// Draws a scene whose caption leaves size and position open, and whose shape stands anywhere.
    public static Scene open(Draws draws) {
        return scene(Description.open(draws), Placement.anywhere(draws), draws);
    }

    private static Scene scene(Description described, Placement placement, Draws draws) {
        return new Scene(described, draws.one(Phrasing.values()), placement, Light.any(draws), draws.bits());
    }

    public String caption() {
        return phrasing.caption(described);
    }

    public Scene with(Light other) {
        return new Scene(described, phrasing, placement, other, texture);
    }

    public Scene with(Description other) {
        return new Scene(other, phrasing, placement, light, texture);
    }

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

    /// Places a shape, in sides of the image, so that the same scene can be painted at any size.
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
        static Placement of(Description.ShapeSize size, Description.Position position, Draws draws) {
            boolean sideways = position == Description.Position.LEFT || position == Description.Position.RIGHT;
            return new Placement(
                    position.x() + draws.around(sideways ? ALONG : ACROSS),
                    position.y() + draws.around(sideways ? ACROSS : ALONG),
                    size.radius(draws.unit()),
                    draws.around(TURN));
        }

        /// Any place and size that keeps a shape inside the image.
        static Placement anywhere(Draws draws) {
            double radius = draws.between(Description.ShapeSize.SMALL.radius(0), Description.ShapeSize.LARGE.radius(1));
            double reach = REACH * radius;
            return new Placement(
                    draws.between(reach, 1 - reach), draws.between(reach, 1 - reach), radius, draws.around(TURN));
        }
    }

    /// Changes one thing in a scene.
    ///
    /// @param before scene before the change
    /// @param after scene after the change
    /// @param instruction instruction of a person: `make it red`, `make the background teal`
    public record Edit(Scene before, Scene after, String instruction) {

        /// A change of the shape's colour or of the background, each as likely, to something that it was not.
        public static Edit any(Scene scene, Draws draws) {
            Description described = scene.described();
            if (draws.chance(0.5)) {
                Description.ShapeColour colour = draws.oneBut(described.colour(), Description.ShapeColour.values());
                return new Edit(scene, scene.with(described.withColour(colour)), "make it " + colour.word());
            }
            Description.Background background = draws.oneBut(described.background(), Description.Background.values());
            return new Edit(
                    scene,
                    scene.with(described.withBackground(background)),
                    "make the background " + background.word());
        }
    }

    /// An image, the same with another shape in the same place, and a mask of that place. Outside of the mask both are
    /// equal. Shapes are small: a mask is made of whole latent tokens, and one of a large shape would leave nothing
    /// outside.
    ///
    /// @param wanted what the image is to show
    /// @param source the image with the other shape
    /// @param mask white where it is to be made anew
    /// @param target the image wanted
    public record Inpaint(Scene wanted, RgbImage source, RgbImage mask, RgbImage target) {

        /// Pixels of one latent token along a side.
        private static final int TOKEN = 16;

        /// Coverage from which on a pixel counts.
        private static final double TOUCHED = 0.002;

        public static Inpaint of(Draws draws, ImageSize size) {
            Scene scene = Scene.full(draws, Description.ShapeSize.SMALL, draws.one(Description.Position.values()));
            Description wanted = scene.described();
            Scene before = scene.with(wanted.withFigure(draws.oneBut(wanted.figure(), Description.Figure.values()))
                    .withColour(draws.oneBut(wanted.colour(), Description.ShapeColour.values())));
            Surface source = Surface.of(before, size);
            Surface target = Surface.of(scene, size);
            return new Inpaint(
                    scene,
                    source.lit(scene.light()).toImage(),
                    mask(source.coverage(), target.coverage()),
                    target.lit(scene.light()).toImage());
        }

        /// White in the least rectangle of whole latent tokens that holds all that either plane covers, so that
        /// resizing to the latents' size leaves its edges hard; black elsewhere.
        private static RgbImage mask(Plane one, Plane other) {
            ImageSize size = one.size();
            int left = size.width();
            int right = 0;
            int top = size.height();
            int bottom = 0;
            for (int y = 0; y < size.height(); y++) {
                for (int x = 0; x < size.width(); x++) {
                    if (Math.max(one.at(x, y), other.at(x, y)) > TOUCHED) {
                        left = Math.min(left, x / TOKEN);
                        right = Math.max(right, x / TOKEN + 1);
                        top = Math.min(top, y / TOKEN);
                        bottom = Math.max(bottom, y / TOKEN + 1);
                    }
                }
            }
            int fromX = left * TOKEN;
            int toX = right * TOKEN;
            int fromY = top * TOKEN;
            int toY = bottom * TOKEN;
            Plane mask = Plane.of(size, (x, y) -> x >= fromX && x < toX && y >= fromY && y < toY ? 1 : 0);
            return Canvas.of(_ -> mask).toImage();
        }
    }
}
