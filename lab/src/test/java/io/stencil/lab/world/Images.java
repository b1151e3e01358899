package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import java.util.SplittableRandom;

/// Images of the world for the judge to look at, as they are or spoilt.
///
/// @param blur standard deviation in 64ths of a side
/// @param noise standard deviation of what is added to each sample, samples in 0..1
record Images(int side, double blur, double noise) {

    private static final long FRESH = 990_017;

    /// The judge's score on `count` of them.
    Score score(int count) {
        Score score = Score.NONE;
        for (int index = 0; index < count; index++) {
            Scene scene = Scene.captioned(new Draws(FRESH, index));
            score = score.plus(scene.described(), Judge.look(spoilt(scene, index)));
        }
        return score;
    }

    private RgbImage spoilt(Scene scene, int index) {
        ImageSize size = new ImageSize(side, side);
        SplittableRandom random = new SplittableRandom(index);
        return Canvas.of(Renderer.paint(scene, size))
                .blurred(blur * side / 64)
                .map(plane -> Plane.of(size, (x, y) -> plane.at(x, y) + noise * random.nextGaussian()))
                .toImage();
    }
}
