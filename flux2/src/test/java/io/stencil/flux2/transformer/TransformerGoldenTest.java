package io.stencil.flux2.transformer;

import static io.stencil.testing.TensorAssert.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.GradMode;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.testing.Golden;
import java.util.List;
import java.util.function.BiFunction;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class TransformerGoldenTest {

    /// Another eps (1e-5) changes the result by 2e-5, another rope theta (10000) or no KV cache by 1e-2.
    private static final double FLOAT32 = 1e-5;

    /// Eight bits of mantissa through five blocks.
    private static final double BFLOAT16 = 3e-2;
    private static final double BFLOAT16_SAME_TIMESTEP = 1e-2;

    private static void assertGolden(
            String expected,
            DType dtype,
            double tolerance,
            BiFunction<TransformerInput, Golden, TransformerInput> variant) {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled();
                Flux2Transformer transformer = TinyTransformer.load(dtype)) {
            Golden golden = Golden.read(TinyTransformer.GOLDEN);
            TransformerInput input = variant.apply(TinyTransformer.input(golden, dtype), golden);
            Tensor velocity = transformer.forward(input, Checkpointing.OFF);
            assertThat(DType.of(velocity)).isEqualTo(dtype);
            assertClose(expected, velocity, golden.tensor(expected), tolerance);
        }
    }

    @Test
    void aPictureFromAPrompt() {
        assertGolden("noise_pred", DType.FLOAT32, FLOAT32, (input, _) -> input);
    }

    @Test
    void withAKvCacheInEveryBlock() {
        assertGolden(
                "noise_pred_kv",
                DType.FLOAT32,
                FLOAT32,
                (input, golden) -> input.withKvCache(TinyTransformer.cache(golden)));
    }

    @Test
    void withAPictureToLookAtAndMoreText() {
        assertGolden(
                "noise_pred_edit_extra",
                DType.FLOAT32,
                FLOAT32,
                (input, golden) -> new TransformerInput(
                        input.image(),
                        List.of(new ImageTokens(golden.tensor("edit_latents"), golden.tensor("edit_image_ids"))),
                        input.text().append(golden.tensor("extra_text_embedding")),
                        input.timestep(),
                        input.guidance(),
                        input.kvCache()));
    }

    /// The golden's own run rounded the timestep to bfloat16, 731.5 to 732; the exact one is 2.4e-2 away from it.
    @Test
    void inBfloat16() {
        assertGolden("noise_pred_bf16", DType.BFLOAT16, BFLOAT16, (input, _) -> input);
        assertGolden(
                "noise_pred_bf16",
                DType.BFLOAT16,
                BFLOAT16_SAME_TIMESTEP,
                (input, golden) -> new TransformerInput(
                        input.image(),
                        input.references(),
                        input.text(),
                        DType.BFLOAT16.cast(golden.tensor("timestep")),
                        input.guidance(),
                        input.kvCache()));
        assertGolden("noise_pred", DType.BFLOAT16, BFLOAT16_SAME_TIMESTEP, (input, _) -> input);
    }

    @Test
    void idsAreThoseOfTheGoldens() {
        try (Scope _ = new Scope()) {
            Golden golden = Golden.read(TinyTransformer.GOLDEN);
            assertClose("text_ids", TokenIds.text(64), golden.tensor("text_ids"), 0);
            assertClose("image_ids", TokenIds.image(4, 6), golden.tensor("image_ids"), 0);
            long[] edit = Tensors.toLongs(golden.tensor("edit_image_ids"));
            int columns = (int) edit[edit.length - 2] + 1;
            assertClose("edit", TokenIds.reference(0, 12 / columns, columns), golden.tensor("edit_image_ids"), 0);
        }
    }
}
