package io.stencil.lab.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.stencil.lab.bench.Profile.Work;
import io.stencil.nn.Attention;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ProfileTest {

    /// Work of one kind for some tenths of a second: most of the time is found to be of that kind.
    @ParameterizedTest
    @EnumSource(names = {"PRODUCTS", "ATTENTION", "ELEMENTWISE", "CASTS"})
    void timeIsOfItsKind(Work work) {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(0)) {
            Tensor matrix = generator.randn(DType.FLOAT32, 512, 512);
            Tensor heads = generator.randn(DType.FLOAT32, 1, 512, 4, 64);
            try (Profile profile = new Profile(1)) {
                long end = System.nanoTime() + 300_000_000L;
                while (System.nanoTime() < end) {
                    try (Scope _ = new Scope()) {
                        switch (work) {
                            case PRODUCTS -> Ops.linear(matrix, matrix, null);
                            case ATTENTION -> Attention.attend(heads, heads, heads);
                            case CASTS -> DType.FLOAT64.cast(matrix);
                            default -> Ops.silu(matrix);
                        }
                    }
                }
                Map<Work, Double> found = profile.end().works();
                assertThat(found.entrySet().stream()
                                .filter(entry -> entry.getKey() != Work.JAVA && entry.getKey() != Work.ALLOCATION)
                                .max(Comparator.comparingDouble(Map.Entry::getValue))
                                .orElseThrow()
                                .getKey())
                        .isEqualTo(work);
            }
        }
    }

    @Test
    void partsAddUpToTheTime() throws InterruptedException {
        long began = System.nanoTime();
        try (Profile profile = new Profile(1)) {
            Thread.sleep(50);
            double sum = profile.end().works().values().stream()
                    .mapToDouble(Double::doubleValue)
                    .sum();
            assertThat(sum).isBetween(0.05, (System.nanoTime() - began) / 1e9);
        }
    }

    @Test
    void meanOfRunsIsThatOfEachPart() {
        Profile.Seconds mean = Profile.mean(List.of(
                new Profile.Seconds(Map.of(Work.PRODUCTS, 3.0), new Profile.Processors(2, 1, 0)),
                new Profile.Seconds(Map.of(Work.PRODUCTS, 1.0, Work.JAVA, 1.0), new Profile.Processors(4, 0, 1))));
        assertThat(mean.works().get(Work.PRODUCTS)).isCloseTo(2.0, within(1e-12));
        assertThat(mean.works().get(Work.JAVA)).isCloseTo(0.5, within(1e-12));
        assertThat(mean.processors()).isEqualTo(new Profile.Processors(3, 0.5, 0.5));
    }
}
