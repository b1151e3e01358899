package io.stencil.lab.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DemoPlanTest {

    @Test
    void noPartOfADemoDrawsTheScenesOfAnotherOrOfAnotherDemo() {
        Set<Long> seeds = new HashSet<>();
        for (long seed : new long[] {-1, 0, 1, 2, 1L << 40}) {
            Demo.Plan plan = new Demo.Plan(Path.of("root"), Path.of("output"), 1, 1, 1, seed, 1);
            assertThat(seeds.add(plan.datasetSeed())).isTrue();
            assertThat(seeds.add(plan.validationSeed())).isTrue();
            assertThat(seeds.add(plan.showSeed())).isTrue();
        }
    }
}
