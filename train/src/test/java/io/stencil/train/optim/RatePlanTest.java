package io.stencil.train.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.stencil.train.optim.LearningRateSchedule.RatePlan;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RatePlanTest {

    private static double rate(LearningRateSchedule schedule, @Nullable Integer warmup, long updates, long update) {
        return new RatePlan(schedule, 3e-4, warmup, updates).rate(update);
    }

    @Test
    void theConstantScheduleBeginsAtAThirdForFiveUpdates() {
        RatePlan plan = new RatePlan(LearningRateSchedule.CONSTANT, 3e-4, null, 100);
        for (int update = 0; update < 5; update++) {
            assertThat(plan.rate(update)).isCloseTo(1e-4, within(1e-18));
        }
        assertThat(plan.rate(5)).isEqualTo(3e-4);
        assertThat(new RatePlan(LearningRateSchedule.NONE, 3e-4, null, 100).rate(0))
                .isEqualTo(3e-4);
    }

    @Test
    void aWarmUpRisesInEqualStepsAndNeverStandsStill() {
        for (LearningRateSchedule schedule : LearningRateSchedule.values()) {
            assertThat(rate(schedule, 4, 100, 0)).isCloseTo(0.75e-4, within(1e-18));
            assertThat(rate(schedule, 4, 100, 1)).isCloseTo(1.5e-4, within(1e-18));
            assertThat(rate(schedule, 4, 100, 3)).isCloseTo(3e-4, within(1e-18));
            assertThat(rate(schedule, 4, 100, 4)).isCloseTo(3e-4, within(1e-18));
        }
        assertThat(rate(LearningRateSchedule.CONSTANT, 0, 100, 0)).isEqualTo(3e-4);
    }

    @Test
    void theCosineFallsFromTheWarmUpsEndToZero() {
        assertThat(rate(LearningRateSchedule.COSINE, 10, 110, 35))
                .isCloseTo(3e-4 * (0.5 + Math.sqrt(0.125)), within(1e-15));
        assertThat(rate(LearningRateSchedule.COSINE, 10, 110, 60)).isCloseTo(1.5e-4, within(1e-15));
        assertThat(rate(LearningRateSchedule.COSINE, null, 4, 2)).isCloseTo(1.5e-4, within(1e-15));
        assertThat(rate(LearningRateSchedule.COSINE, 10, 110, 110)).isCloseTo(0, within(1e-15));
        assertThat(rate(LearningRateSchedule.COSINE, 10, 110, 109)).isPositive();
        assertThat(rate(LearningRateSchedule.COSINE, 9, 9, 8)).isEqualTo(3e-4);
    }
}
