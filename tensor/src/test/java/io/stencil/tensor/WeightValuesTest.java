package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.gguf.BlockType;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Scalar;
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

    /// A quantized matrix whose parts are several, and the same matrix in float32.
    private record Case(WeightValues quantized, Tensor wide) {}

    private static final long ROWS = 9_001;
    private static final long COLUMNS = 512;

    private Case blocks() {
        try (SafetensorsFile golden = SafetensorsFile.open(TestFiles.golden("formats/kquants.safetensors"))) {
            Tensor four = TensorFiles.byteView(golden, "Q4_K.bytes").clone();
            Tensor values = TensorFiles.view(golden, "Q4_K.values").clone();
            long times = ROWS / 4 + 1;
            Tensor blocks = four.repeat(times).narrow(0, 0, ROWS * 288);
            return new Case(
                    new WeightValues.Blocks(blocks, BlockType.Q4_K, ROWS, COLUMNS, Device.CPU),
                    values.repeat(times, 1).narrow(0, 0, ROWS));
        }
    }

    private Case float8(DType dtype, long scales) {
        Tensor values = dtype.cast(generator.randn(DType.FLOAT32, ROWS, COLUMNS).mul(new Scalar(16)));
        Tensor scale = generator.randn(DType.FLOAT32, scales).mul(new Scalar(0.01));
        return new Case(
                new WeightValues.Float8(values, scale),
                DType.FLOAT32.cast(values).mul(scale.unsqueeze(1)));
    }

    private Stream<Case> cases() {
        return Stream.of(
                blocks(),
                float8(DType.FLOAT8_E4M3FN, 1),
                float8(DType.FLOAT8_E5M2, 1),
                float8(DType.FLOAT8_E5M2, ROWS));
    }

    @Test
    void quantizedMatricesAreWidenedWholeAndByRows() {
        cases().forEach(one -> {
            assertThat(one.quantized.shape()).containsExactly(ROWS, COLUMNS);
            TensorAssert.assertSame("whole", one.quantized.in(DType.FLOAT32), one.wide);
            Tensor ids = Tensors.of(new long[] {9_000, 0, 0, 4_567}, 2, 2);
            TensorAssert.assertSame("rows", one.quantized.rows(ids), Ops.embedding(one.wide, ids));
        });
    }

    @Test
    void productsWithQuantizedMatricesAreThoseWithTheirCopies() {
        cases().forEach(one -> {
            Tensor x = generator.randn(DType.FLOAT32, 2, 3, COLUMNS);
            TensorAssert.assertClose("x W^T", one.quantized.multiplyTransposed(x), x.matmul(one.wide.t()), 1e-5);
            Tensor g = generator.randn(DType.FLOAT32, 2, 3, ROWS);
            TensorAssert.assertClose("g W", one.quantized.multiply(g), g.matmul(one.wide), 1e-5);
        });
    }

    @Test
    void productsWithBlocksInBfloat16RoundEachValueOnce() {
        Case one = blocks();
        Tensor x = DType.BFLOAT16.cast(generator.randn(DType.FLOAT32, 3, COLUMNS));
        Tensor y = one.quantized.multiplyTransposed(x);
        assertThat(DType.of(y)).isEqualTo(DType.BFLOAT16);
        Tensor expected = x.matmul(DType.BFLOAT16.cast(one.wide).t());
        TensorAssert.assertClose("y", DType.FLOAT32.cast(y), DType.FLOAT32.cast(expected), 1e-2);
    }

    @Test
    void partsHaveAScaleForEachRow() {
        Case one = float8(DType.FLOAT8_E4M3FN, 1);
        Tensor scaled = Tensors.empty(DType.FLOAT32, Device.CPU, ROWS, COLUMNS);
        one.quantized.forEachPart(DType.FLOAT32, part -> {
            Tensor scale = Objects.requireNonNull(part.scale());
            assertThat(Tensors.shape(scale)).containsExactly(part.count());
            scaled.narrow(0, part.row(), part.count()).copy_(part.values().mul(scale.unsqueeze(1)));
        });
        TensorAssert.assertSame("scaled", scaled, one.wide);
    }

    /// Rows of a part are columns of a product's result, each of whose rows then begins where a cache line does.
    @Test
    void partsBeginAtWholeCacheLines() {
        long rows = 150;
        long columns = 50_000; // 83 rows of them would fill a part
        WeightValues values = new WeightValues.Plain(Tensors.full(1, DType.BFLOAT16, Device.CPU, rows, columns));
        List<Long> begins = new ArrayList<>();
        List<Long> counts = new ArrayList<>();
        values.forEachPart(DType.FLOAT32, part -> {
            begins.add(part.row());
            counts.add(part.count());
        });
        assertThat(begins).containsExactly(0L, 64L, 128L);
        assertThat(counts).containsExactly(64L, 64L, 22L);
    }

    @Test
    void quantizationsAreNamed() {
        assertThat(blocks().quantized.quantization()).contains("Q4_K");
        assertThat(float8(DType.FLOAT8_E5M2, 1).quantized.quantization()).contains("float8");
        assertThat(new WeightValues.Plain(Tensors.of(new float[] {1}, 1)).quantization())
                .isEmpty();
    }
}
