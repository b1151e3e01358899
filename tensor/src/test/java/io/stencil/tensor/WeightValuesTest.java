package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WeightValuesTest {

    private final Scope scope = new Scope();
    private final TorchGenerator generator = new TorchGenerator(3);

    @AfterEach
    void free() {
        generator.close();
        scope.close();
    }

    private static float[] through(float... row) {
        return Tensors.toFloats(
                WeightValues.Float8.of(Tensors.of(row, 1, row.length)).in(DType.FLOAT32));
    }

    /// Values down to 2^-14 of a row's largest are rounded to three bits of mantissa.
    @Test
    void valuesKeepARelativeErrorOfOneSixteenth() {
        Tensor weight = generator.randn(DType.FLOAT32, 3, 2000).mul(Tensors.of(new float[] {1e-6f, 1, 1e6f}, 3, 1));
        float[] exact = Tensors.toFloats(weight);
        WeightValues narrow = WeightValues.Float8.of(weight);
        assertThat(narrow.dtype()).isEqualTo(DType.FLOAT8_E4M3FN);
        float[] kept = Tensors.toFloats(narrow.in(DType.FLOAT32));
        for (int row = 0; row < 3; row++) {
            float largest = 0;
            for (int i = row * 2000; i < (row + 1) * 2000; i++) {
                largest = Math.max(largest, Math.abs(exact[i]));
            }
            for (int i = row * 2000; i < (row + 1) * 2000; i++) {
                double allowed = Math.max(Math.abs(exact[i]) / 16, largest / (1 << 18));
                assertThat((double) kept[i]).isBetween(exact[i] - allowed * 1.001, exact[i] + allowed * 1.001);
            }
        }
    }

    @Test
    void theLargestOfARowIsKept() {
        assertThat(through(0.3f, -7f)[1]).isEqualTo(-7f);
    }

    @Test
    void zerosStayZeros() {
        assertThat(through(0, 0)).containsExactly(0, 0);
        assertThat(through(Float.MIN_VALUE, 0)[1]).isEqualTo(0);
    }

    @Test
    void whatIsNoNumberIsNotHidden() {
        assertThat(through(Float.NaN, 1)).containsOnly(Float.NaN);
        assertThat(through(Float.POSITIVE_INFINITY, 1)).containsOnly(Float.NaN);
    }

    @Test
    void aWeightWithoutScaleIsItsValues() {
        Tensor values = generator.randn(DType.FLOAT32, 2, 2);
        assertThat(new WeightValues.Plain(values).in(DType.FLOAT32).is_alias_of(values))
                .isTrue();
    }
}
