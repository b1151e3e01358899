package io.stencil.lab.evaluate;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.lab.world.Description;
import io.stencil.lab.world.Draws;
import io.stencil.lab.world.Judge;
import io.stencil.lab.world.Scene;
import io.stencil.lab.world.Scenes;
import io.stencil.lab.world.VariedCaptions;
import io.stencil.lab.world.Verdict;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Scenes that nothing was trained on.
///
/// The world has few captions, so that most of them stand in the datasets too, with other scenes. [#captionsOfNoRow]
/// gives those that do not, as they are: nearly all stand there with a light, a style or the like named behind them.
final class HeldOut {

    static final ImageSize SIZE = new ImageSize(64, 64);

    /// The rows that Tiny Klein was trained on, as in `scripts/train-tiny-klein`.
    static final int TRAINED_ROWS = 20_000;

    static final long TRAINED_SEED = 1;

    private static final int DRAWS = 1_000_000;

    /// A scene, and the index of its draws.
    record Drawn(int index, Scene scene) {}

    private HeldOut() {}

    /// Scenes whose captions tell them.
    static List<Scene> captioned(Effort effort, int count) {
        return scenes(effort, count, Scenes::captioned);
    }

    /// The same scenes, with the indices of their draws.
    static List<Drawn> drawn(Effort effort, int count) {
        return draws(effort, count).toList();
    }

    private static Stream<Drawn> draws(Effort effort, int count) {
        return IntStream.range(0, count)
                .mapToObj(index -> new Drawn(index, Scenes.captioned(new Draws(effort.seed(), index))));
    }

    /// Scenes with captions that differ from each other and from every prompt of Tiny Klein's dataset.
    static List<Drawn> captionsOfNoRow(Effort effort, int count) {
        Set<String> known = new HashSet<>(VariedCaptions.of(TRAINED_SEED, TRAINED_ROWS));
        List<Drawn> scenes = draws(effort, DRAWS)
                .filter(drawn -> known.add(drawn.scene().caption()))
                .limit(count)
                .toList();
        if (scenes.size() < count) {
            throw new IllegalStateException("the world has no %s captions that the dataset lacks".formatted(count));
        }
        return scenes;
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
