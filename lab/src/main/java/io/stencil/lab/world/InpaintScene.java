package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;

/// A picture, the same with another shape in the same place, and a mask of that place. Outside of the mask both are
/// equal. Shapes are small: a mask is made of whole latent tokens, and one of a large shape would leave nothing
/// outside.
///
/// @param wanted what the picture is to show
/// @param source the picture with the other shape
/// @param mask white where it is to be made anew
/// @param target the picture wanted
public record InpaintScene(Scene wanted, RgbImage source, RgbImage mask, RgbImage target) {

    public static InpaintScene of(Draws draws, ImageSize size) {
        Scene scene = Scenes.full(draws, ShapeSize.SMALL, draws.one(Position.values()));
        Description wanted = scene.described();
        Scene before = scene.with(wanted.withFigure(draws.oneBut(wanted.figure(), Figure.values()))
                .withColour(draws.oneBut(wanted.colour(), ShapeColour.values())));
        Surface source = Surface.of(before, size);
        Surface target = Surface.of(scene, size);
        return new InpaintScene(
                scene,
                source.lit(scene.light()).toImage(),
                TokenMask.over(source.coverage(), target.coverage()),
                target.lit(scene.light()).toImage());
    }
}
