package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.ValueLayout;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Float8WideningTest {

    /// Several parts of several threads, the last ones not full.
    private static final int COUNT = 256 * 300 + 77;

    private final Scope scope = new Scope();
    private final int threads = torch.get_num_threads();

    @AfterEach
    void restore() {
        torch.set_num_threads(threads);
        scope.close();
    }

    /// All codes, among them infinities, what is no number, the negative zero and subnormal numbers.
    private static Tensor codes(DType dtype) {
        byte[] codes = new byte[COUNT];
        for (int i = 0; i < codes.length; i++) {
            codes[i] = (byte) i;
        }
        return Tensors.ofBytes(codes, codes.length).view(dtype.scalarType());
    }

    private static byte[] bits(Tensor tensor) {
        return TensorFiles.bytes(tensor).toArray(ValueLayout.JAVA_BYTE);
    }

    @ParameterizedTest
    @CsvSource({
        "FLOAT8_E4M3FN, FLOAT32", "FLOAT8_E4M3FN, BFLOAT16", "FLOAT8_E4M3FN, FLOAT16", "FLOAT8_E4M3FN, FLOAT64",
        "FLOAT8_E5M2, FLOAT32", "FLOAT8_E5M2, BFLOAT16", "FLOAT8_E5M2, FLOAT16", "FLOAT8_E8M0, FLOAT32"
    })
    void everyCodeHasTheBitsOfLibtorchsCast(DType narrow, DType wide) {
        Tensor codes = codes(narrow);
        byte[] expected = bits(wide.cast(codes));
        for (int count : new int[] {1, 3}) {
            torch.set_num_threads(count);
            assertThat(bits(Float8Widening.cast(codes, wide))).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @CsvSource({"FLOAT8_E4M3FN", "FLOAT8_E5M2"})
    void tensorsWithGapsAreWidenedToo(DType narrow) {
        Tensor every = codes(narrow).narrow(0, 0, 256).view(16, 16).t();
        assertThat(bits(Float8Widening.cast(every, DType.FLOAT32)))
                .isEqualTo(bits(DType.FLOAT32.cast(every).contiguous()));
        Tensor none = codes(narrow).narrow(0, 0, 0);
        assertThat(Float8Widening.cast(none, DType.FLOAT32).numel()).isZero();
    }
}
