package io.stencil.lab.evaluate;

import io.stencil.image.ImageSize;
import io.stencil.lab.evaluate.Measure.Effort;
import io.stencil.lab.evaluate.Measure.Subject;
import io.stencil.lab.evaluate.Measure.Subjects;
import io.stencil.lab.world.Draws;
import io.stencil.lab.world.Scene;
import io.stencil.lab.world.VariedSamples;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Makes subjects that no model was trained on.
///
/// The world has few captions, so that most of them stand in the datasets too, with other scenes. [#captionsOfNoRow]
/// gives those that do not, as they are: nearly all stand there with a light, a style or the like named behind them.
final class HeldOut {

    static final ImageSize SIZE = new ImageSize(64, 64);

    /// The rows that Tiny Klein was trained on, as in `scripts/train-tiny-klein`.
    static final int TRAINED_ROWS = 20_000;

    static final long TRAINED_SEED = 1;

    private static final int DRAWS = 1_000_000;

    private HeldOut() {}

    /// @param full number of subjects
    /// @param least number of subjects
    /// @param content of the subject of a seed and an index
    static <S> Subjects<S> subjects(int full, int least, Content<S> content, Function<S, String> prompt) {
        return effort -> IntStream.range(0, effort.of(full, least))
                .mapToObj(index -> {
                    S subject = content.of(effort.seed(), index);
                    return new Subject<>(prompt.apply(subject), noise(effort, index), subject);
                })
                .toList();
    }

    @FunctionalInterface
    interface Content<S> {
        S of(long seed, int index);
    }

    static Subjects<Scene> scenes(int full, int least, Function<Draws, Scene> scene) {
        return subjects(full, least, (seed, index) -> scene.apply(new Draws(seed, index)), Scene::caption);
    }

    /// Subjects with captions that differ from each other and from every prompt of Tiny Klein's dataset.
    static Subjects<Scene> captionsOfNoRow(int full, int least) {
        return effort -> {
            int count = effort.of(full, least);
            Set<String> known = new HashSet<>(VariedSamples.captions(TRAINED_SEED, TRAINED_ROWS));
            List<Subject<Scene>> found = Stream.iterate(0, index -> index < DRAWS, index -> index + 1)
                    .map(index -> {
                        Scene scene = Scene.captioned(new Draws(effort.seed(), index));
                        return new Subject<>(scene.caption(), noise(effort, index), scene);
                    })
                    .filter(subject -> known.add(subject.prompt()))
                    .limit(count)
                    .toList();
            if (found.size() < count) {
                throw new IllegalStateException("the world has no %s captions that the dataset lacks".formatted(count));
            }
            return found;
        };
    }

    static long noise(Effort effort, int index) {
        return effort.seed() * 1000 + index;
    }
}
