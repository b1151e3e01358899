package io.stencil.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.pipeline.GenerationRequest;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class RecentTimesTest {

    private final RecentTimes times = new RecentTimes();

    private static Plan plan(int side, int steps, int images) {
        return new Plan(
                GenerationRequest.of("a")
                        .size(side, side)
                        .steps(steps)
                        .cfgScale(1)
                        .build(),
                LongStream.range(0, images).boxed().toList(),
                List.of(),
                List.of(),
                Map.of(),
                List.of());
    }

    private static RecentTimes.Progress progress(int seconds, int step, Plan plan) {
        return new RecentTimes.Progress(Duration.ofSeconds(seconds), step, (int) plan.steps(), plan);
    }

    @Test
    void withoutAnyTimeItIsASecond() {
        assertThat(times.untilFree(List.of())).isEqualTo(Duration.ofSeconds(1));
        assertThat(times.untilFree(List.of(progress(5, 0, plan(512, 4, 1))))).isEqualTo(Duration.ofSeconds(1));
        assertThat(times.secondsPerStep()).isEmpty();
    }

    @Test
    void theJobThatEndsFirstCounts() {
        Plan plan = plan(512, 4, 2);
        // 3 of 8 steps took 30 seconds: 50 are left; 6 of 8 took 60: 20 are left
        assertThat(times.untilFree(List.of(progress(30, 3, plan), progress(60, 6, plan))))
                .isEqualTo(Duration.ofSeconds(20));
    }

    @Test
    void aJobWithoutAStepIsMeasuredByTheLatestOnes() {
        times.add(Duration.ofSeconds(8), plan(512, 4, 1));
        assertThat(times.secondsPerStep()).hasValue(2);
        assertThat(times.secondsPerJob()).hasValue(8);
        // four times the pixels, twice the images
        assertThat(times.untilFree(List.of(progress(4, 0, plan(1024, 4, 2))))).isEqualTo(Duration.ofSeconds(60));
        assertThat(times.untilFree(List.of(progress(100, 0, plan(1024, 4, 2))))).isEqualTo(Duration.ofSeconds(1));
    }

    @Test
    void anEstimateIsAtMostAnHour() {
        assertThat(times.untilFree(List.of(progress(3600, 1, plan(512, 50, 8)))))
                .isEqualTo(Duration.ofHours(1));
    }
}
