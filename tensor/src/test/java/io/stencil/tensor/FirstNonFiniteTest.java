package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FirstNonFiniteTest {

    /// At every place of vectors and of what is left of them, also beside values whose squares are infinite.
    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void aValueThatIsNotFiniteIsFoundWhereverItIs(float bad) {
        try (Scope _ = new Scope()) {
            for (int place = 0; place < 67; place++) {
                float[] values = new float[67];
                for (int i = 0; i < values.length; i++) {
                    values[i] = i % 2 == 0 ? 3e38f : -1e-40f;
                }
                Map<String, Tensor> tensors = new LinkedHashMap<>();
                tensors.put("whole", Tensors.of(new long[] {1}, 1));
                tensors.put("empty", Tensors.of(new float[0], 0));
                tensors.put("good", Tensors.of(values, 67));
                float[] broken = values.clone();
                broken[place] = bad;
                assertThat(Tensors.firstNonFinite(tensors)).isEmpty();
                tensors.put("half", DType.BFLOAT16.cast(Tensors.of(broken, 67)));
                assertThat(Tensors.firstNonFinite(tensors)).hasValue("half");
                tensors.put("good", Tensors.of(broken, 67));
                assertThat(Tensors.firstNonFinite(tensors)).hasValue("good");
            }
            assertThat(Tensors.firstNonFinite(Map.of())).isEmpty();
        }
    }
}
