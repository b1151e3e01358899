package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;

/// An image, the same with another shape in the same place, and a mask of that place. Outside of the mask both are
/// equal. Shapes are small: a mask is made of whole latent tokens, and one of a large shape would leave nothing
/// outside.
///
/// @param wanted what the image is to show
/// @param source the image with the other shape
/// @param mask white where it is to be made anew
/// @param target the image wanted
public record InpaintScene(Scene wanted, RgbImage source, RgbImage mask, RgbImage target) {

    /// Pixels of one latent token along a side.
    private static final int TOKEN = 16;

    /// Coverage from which on a pixel counts.
    private static final double TOUCHED = 0.002;

    public static InpaintScene of(Draws draws, ImageSize size) {
        Scene scene = Scene.full(draws, Description.ShapeSize.SMALL, draws.one(Description.Position.values()));
        Description wanted = scene.described();
        Scene before = scene.with(wanted.withFigure(draws.oneBut(wanted.figure(), Description.Figure.values()))
                .withColour(draws.oneBut(wanted.colour(), Description.ShapeColour.values())));
        Surface source = Surface.of(before, size);
        Surface target = Surface.of(scene, size);
        return new InpaintScene(
                scene,
                source.lit(scene.light()).toImage(),
                mask(source.coverage(), target.coverage()),
                target.lit(scene.light()).toImage());
    }

    /// White in the least rectangle of whole latent tokens that holds all that either plane covers, so that resizing to
    /// the latents' size leaves its edges hard; black elsewhere.
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
