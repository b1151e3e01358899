package io.stencil.evaluate.measure;

import io.stencil.evaluate.Effort;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.world.judge.Judge;
import io.stencil.world.judge.Verdict;
import io.stencil.world.scene.Description;
import io.stencil.world.scene.Draws;
import io.stencil.world.scene.Scene;
import io.stencil.world.scene.Scenes;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/// Scenes that nothing was trained on.
final class HeldOut {

    static final ImageSize SIZE = new ImageSize(64, 64);

    private HeldOut() {}

    /// Scenes whose captions tell them.
    static List<Scene> captioned(Effort effort, int count) {
        return scenes(effort, count, Scenes::captioned);
    }

    /// @param scene made of the draws of its own index
    static List<Scene> scenes(Effort effort, int count, Function<Draws, Scene> scene) {
        return IntStream.range(0, count)
                .mapToObj(index -> scene.apply(new Draws(effort.seed(), index)))
                .toList();
    }

    /// The noise of a scene's pictures: the same for all that are compared.
    static long noise(Effort effort, int index) {
        return effort.seed() * 1000 + index;
    }

    /// Whether a picture shows figure, colour and background of a caption.
    static boolean isRight(Description asked, RgbImage picture) {
        Verdict seen = Judge.look(picture);
        return seen.background() == asked.background()
                && seen.shape() != null
                && seen.shape().colour() == asked.colour()
                && seen.shape().figure() == asked.figure();
    }
}
