package io.stencil.train.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.stencil.flux2.schedule.FlowMatchSchedule;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.train.options.ObjectiveOptions.TimestepRange;
import io.stencil.train.options.ObjectiveOptions.TimestepSampling;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TimestepDistributionTest {

    private static final int DRAWS = 20_000;
    private static final FlowMatchSchedule SCHEDULE = FlowMatchSchedule.training();

    private static TimestepDistribution logitNormal(double mean, double std, TimestepRange range) {
        return new TimestepDistribution(TimestepSampling.LOGIT_NORMAL, range, mean, std, null);
    }

    private static TimestepDistribution shifted(@Nullable Double shift, TimestepRange range) {
        return new TimestepDistribution(TimestepSampling.SHIFTED, range, 0, 1, shift);
    }

    private static int[] draw(TimestepDistribution distribution, long length) {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(3)) {
            return IntStream.range(0, DRAWS)
                    .map(_ -> distribution.draw(generator, 1, length, 128))
                    .toArray();
        }
    }

    private static double share(int[] draws, int below) {
        return (double) Arrays.stream(draws).filter(index -> index < below).count() / draws.length;
    }

    /// The places in the schedule are sigmoids of normal numbers, which Java draws here.
    @Test
    void logitNormalPlacesAreSigmoidsOfNormalNumbers() {
        SplittableRandom random = new SplittableRandom(5);
        int[] expected = IntStream.range(0, 200_000)
                .map(_ -> (int) (1000 / (1 + Math.exp(-(0.5 + 0.7 * random.nextGaussian())))))
                .toArray();
        int[] found = draw(logitNormal(0.5, 0.7, TimestepRange.ALL), 4);
        for (int below = 50; below < 1000; below += 50) {
            assertThat(share(found, below)).isCloseTo(share(expected, below), within(0.01));
        }
    }

    @Test
    void shiftedNoiseLevelsAreEvenOnesShifted() {
        assertShifted(shifted(5.0, TimestepRange.ALL), 4, 5);
        assertShifted(shifted(0.5, TimestepRange.ALL), 4, 0.5);
        assertShifted(shifted(null, TimestepRange.ALL), 4096, Math.exp(2.02)); // FLUX.2 at 1024 x 1024
    }

    private static void assertShifted(TimestepDistribution distribution, long length, double shift) {
        int[] draws = draw(distribution, length);
        for (double level = 0.1; level < 1; level += 0.1) {
            double bound = level;
            double share = Arrays.stream(draws)
                            .filter(index -> SCHEDULE.sigma(index) < bound)
                            .count()
                    / (double) DRAWS;
            double even = level / (shift - (shift - 1) * level); // shift * even / (1 + (shift - 1) * even) = level
            assertThat(share).as("below %s", level).isCloseTo(even, within(0.012));
        }
    }

    /// Larger images are noisier.
    @Test
    void theShiftFollowsFromTheSizeOfTheImage() {
        double small = Arrays.stream(draw(shifted(null, TimestepRange.ALL), 256))
                .average()
                .orElseThrow();
        double large = Arrays.stream(draw(shifted(null, TimestepRange.ALL), 16384))
                .average()
                .orElseThrow();
        assertThat(large).isLessThan(small - 20);
    }

    /// Within boundaries the shares of timesteps stand to each other as in the whole schedule.
    @Test
    void boundariesCutADistributionOff() {
        TimestepRange range = new TimestepRange(0.2, 0.6);
        assertCut(logitNormal(0, 1, TimestepRange.ALL), logitNormal(0, 1, range));
        assertCut(shifted(3.0, TimestepRange.ALL), shifted(3.0, range));
        assertThat(draw(logitNormal(0, 1, new TimestepRange(0.9999, 1)), 4)).containsOnly(999);
    }

    private static void assertCut(TimestepDistribution whole, TimestepDistribution part) {
        int[] expected = Arrays.stream(draw(whole, 4))
                .filter(index -> index >= 200 && index < 600)
                .toArray();
        int[] found = draw(part, 4);
        assertThat(Arrays.stream(found).min()).hasValue(200);
        assertThat(Arrays.stream(found).max()).hasValue(599);
        DoubleUnaryOperator difference = below -> share(found, (int) below) - share(expected, (int) below);
        for (int below = 250; below < 600; below += 50) {
            assertThat(difference.applyAsDouble(below)).isCloseTo(0, within(0.02));
        }
    }

    @Test
    void aRestoredGeneratorGivesTheSameTimesteps() {
        TimestepDistribution distribution = logitNormal(0, 1, TimestepRange.ALL);
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(1);
                TorchGenerator resumed = new TorchGenerator(2)) {
            distribution.draw(generator, 1, 4, 128);
            Tensor state = generator.state();
            int[] expected = IntStream.range(0, 5)
                    .map(_ -> distribution.draw(generator, 1, 4, 128))
                    .toArray();
            resumed.restore(state);
            assertThat(IntStream.range(0, 5).map(_ -> distribution.draw(resumed, 1, 4, 128)))
                    .containsExactly(Arrays.stream(expected).boxed().toArray(Integer[]::new));
        }
    }

    /// As it was before there was a choice: a whole number, then the noise.
    @Test
    void uniformDrawsAreThoseOfRandint() {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(7);
                TorchGenerator plain = new TorchGenerator(7)) {
            NoiseDraws draws = NoiseDraws.from(generator, new TimestepRange(0.5, 1));
            for (int i = 0; i < 3; i++) {
                NoiseDraws.Draw draw = draws.next(DType.FLOAT32, 1, 4, 128);
                assertThat(draw.timestepIndex()).isEqualTo(500 + (int) Tensors.toLongs(plain.randint(500, 1))[0]);
                assertThat(Tensors.toFloats(draw.noise()))
                        .isEqualTo(Tensors.toFloats(plain.randn(DType.FLOAT32, 1, 4, 128)));
            }
        }
    }
}
