package io.stencil.lab.world;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DrawsTest {

    /// A change of these numbers is another world: datasets, and models trained on them, would no longer fit.
    @Test
    void theNumbersStayWhatTheyAre() {
        assertThat(new Draws(0, 0).bits()).isEqualTo(-2152535657050944081L);
        assertThat(new Draws(7, 3).bits()).isEqualTo(-8017417250391388015L);
        assertThat(new Draws(-1, 12).unit()).isEqualTo(0.14084657314752091);
    }

    @Test
    void neighboursHaveNothingInCommon() {
        Set<Long> first = new HashSet<>();
        for (int seed = 0; seed < 100; seed++) {
            for (int index = 0; index < 100; index++) {
                first.add(new Draws(seed, index).bits());
            }
        }
        assertThat(first).hasSize(10_000);
        double mean = IntStream.range(0, 10_000)
                .mapToDouble(index -> new Draws(5, index).unit())
                .average()
                .orElseThrow();
        assertThat(mean).isBetween(0.49, 0.51);
    }

    @Test
    void everyChoiceComesAndTheExcludedOneNever() {
        Draws draws = new Draws(1, 1);
        Set<Description.Figure> chosen = new HashSet<>();
        Set<Description.Figure> others = new HashSet<>();
        for (int i = 0; i < 200; i++) {
            chosen.add(draws.one(Description.Figure.values()));
            others.add(draws.oneBut(Description.Figure.SQUARE, Description.Figure.values()));
            assertThat(draws.ratio(0.5, 2)).isBetween(0.5, 2.0);
            assertThat(draws.around(0.1)).isBetween(-0.1, 0.1);
            assertThat(draws.below(3)).isBetween(0, 2);
        }
        assertThat(chosen).containsExactlyInAnyOrder(Description.Figure.values());
        assertThat(others)
                .containsExactlyInAnyOrder(
                        Description.Figure.CIRCLE, Description.Figure.TRIANGLE, Description.Figure.RING);
    }
}
