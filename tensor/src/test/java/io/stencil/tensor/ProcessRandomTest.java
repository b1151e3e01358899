package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.Set;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

class ProcessRandomTest {

    private static float[] draw() {
        try (Scope _ = new Scope()) {
            return Tensors.toFloats(torch.rand(4));
        }
    }

    @Test
    void aSeedGivesItsNumbersAndLeavesTheOthersAlone() {
        Libtorch.load();
        torch.manual_seed(5);
        float[] first = draw();
        float[] second = draw();

        torch.manual_seed(5);
        assertThat(draw()).isEqualTo(first);
        float[] seeded = ProcessRandom.seeded(9, ProcessRandomTest::draw);
        assertThat(draw()).isEqualTo(second);
        assertThat(ProcessRandom.seeded(9, ProcessRandomTest::draw)).isEqualTo(seeded);
        assertThat(ProcessRandom.seeded(10, ProcessRandomTest::draw)).isNotEqualTo(seeded);
        assertThat(ProcessRandom.<float[]>seeded(9, () -> {
                    float[] inner = ProcessRandom.seeded(10, ProcessRandomTest::draw);
                    assertThat(inner).isNotEqualTo(seeded);
                    return draw();
                }))
                .isEqualTo(seeded);

        torch.manual_seed(5);
        assertThatThrownBy(() -> ProcessRandom.seeded(9, () -> {
                    draw();
                    throw new IllegalStateException("in the midst");
                }))
                .hasMessage("in the midst");
        assertThat(draw()).isEqualTo(first);
    }

    @Test
    void whetherWorkDrawsIsFoundOut() {
        assertThat(ProcessRandom.draws(ProcessRandomTest::draw)).isTrue();
        assertThat(ProcessRandom.draws(() -> {
                    try (TorchGenerator own = new TorchGenerator(1);
                            Scope _ = new Scope()) {
                        own.randn(DType.FLOAT32, 3);
                    }
                }))
                .isFalse();
    }

    @Test
    void seedsDifferInEachOfTheirNumbers() {
        Set<Long> seeds = new HashSet<>();
        for (long seed = 0; seed < 10; seed++) {
            for (long a = 0; a < 10; a++) {
                for (long b = 0; b < 10; b++) {
                    seeds.add(ProcessRandom.seed(seed, a, b));
                }
            }
        }
        assertThat(seeds).hasSize(1000);
        assertThat(ProcessRandom.seed(1, 2, 3)).isEqualTo(ProcessRandom.seed(1, 2, 3));
    }
}
