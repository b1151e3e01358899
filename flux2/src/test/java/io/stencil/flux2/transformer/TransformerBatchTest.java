package io.stencil.flux2.transformer;

import static io.stencil.testing.TensorAssert.assertClose;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.GradMode;
import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.Golden;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class TransformerBatchTest {

    /// Products of other sizes add up in another order.
    private static final double ROUNDING = 2e-6;

    private static final long TEXT = 6;

    private static Tensor sample(Tensor batch, int index) {
        return batch.narrow(0, index, 1);
    }

    private static TransformerInput input(Tensor latents, Tensor embeds, Tensor timestep, KvCache cache) {
        return new TransformerInput(
                new ImageTokens(latents, TokenIds.image(2, 3)),
                List.of(new ImageTokens(latents, TokenIds.reference(0, 2, 3))),
                TextTokens.of(embeds),
                timestep,
                1,
                cache);
    }

    @Test
    void aBatchOfTwoIsTwoBatchesOfOne() {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled();
                TorchGenerator generator = new TorchGenerator(3);
                Flux2Transformer transformer = TinyTransformer.load(DType.FLOAT32)) {
            Tensor latents = generator.randn(DType.FLOAT32, 2, 6, 128);
            Tensor embeds = generator.randn(DType.FLOAT32, 2, TEXT, 192);
            Tensor timesteps = Tensors.of(new float[] {900, 40}, 2);
            KeyValue one = new KeyValue(
                    generator.randn(DType.FLOAT32, 1, 5, 4, 32), generator.randn(DType.FLOAT32, 1, 5, 4, 32));
            KeyValue two = new KeyValue(
                    generator.randn(DType.FLOAT32, 2, 3, 4, 32), generator.randn(DType.FLOAT32, 2, 3, 4, 32));
            BlockId shared = new BlockId.DoubleStream(1);
            BlockId own = new BlockId.SingleStream(0);

            Tensor both = transformer.forward(
                    input(latents, embeds, timesteps, new KvCache(Map.of(shared, one, own, two))), Checkpointing.OFF);
            for (int i = 0; i < 2; i++) {
                KeyValue part = new KeyValue(sample(two.k(), i), sample(two.v(), i));
                KvCache cache = new KvCache(Map.of(shared, one, own, part));
                Tensor alone = transformer.forward(
                        input(sample(latents, i), sample(embeds, i), sample(timesteps, i), cache), Checkpointing.OFF);
                assertClose("sample " + i, sample(both, i), alone, ROUNDING);
            }
        }
    }

    /// A block that is absent from the cache attends to nothing more, and so does one with no tokens in it.
    @Test
    void aCacheMayLackBlocks() {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled();
                Flux2Transformer transformer = TinyTransformer.load(DType.FLOAT32)) {
            Golden golden = Golden.read(TinyTransformer.GOLDEN);
            TransformerInput input = TinyTransformer.input(golden, DType.FLOAT32);
            BlockId block = new BlockId.SingleStream(2);
            KeyValue cached = new KeyValue(golden.tensor("kv.single_2.k"), golden.tensor("kv.single_2.v"));
            Tensor nothing = Tensors.empty(DType.FLOAT32, Device.CPU, 1, 0, 4, 32);
            KvCache one = new KvCache(Map.of(block, cached));
            KvCache oneAndEmpty =
                    new KvCache(Map.of(block, cached, new BlockId.DoubleStream(0), new KeyValue(nothing, nothing)));

            Tensor plain = transformer.forward(input, Checkpointing.OFF);
            Tensor steered = transformer.forward(input.withKvCache(one), Checkpointing.OFF);
            Tensor same = transformer.forward(input.withKvCache(oneAndEmpty), Checkpointing.OFF);
            assertClose("an empty block", same, steered, ROUNDING);
            assertThatThrownBy(() -> assertClose("one block of five", steered, plain, 1e-4))
                    .isInstanceOf(AssertionError.class);
        }
    }

    @Test
    void modelsOfDifferentSizesAreToldApart() {
        try (Scope _ = new Scope();
                Flux2Transformer transformer = new Flux2Transformer(TinyTransformer.config())) {
            ImageTokens image =
                    new ImageTokens(Tensors.zeros(DType.FLOAT32, Device.CPU, 1, 6, 128), TokenIds.image(2, 3));
            TextTokens text = TextTokens.of(Tensors.zeros(DType.FLOAT32, Device.CPU, 1, TEXT, 96));
            assertThatThrownBy(() -> transformer.forward(TransformerInput.of(image, text, 500), Checkpointing.OFF))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageStartingWith("'prompt_embeds': have 96 channels, the transformer needs 192");
        }
    }

    @Test
    void batchSizesMustBeTheSame() {
        try (Scope _ = new Scope()) {
            Tensor latents = Tensors.zeros(DType.FLOAT32, Device.CPU, 2, 6, 128);
            TextTokens text = TextTokens.of(Tensors.zeros(DType.FLOAT32, Device.CPU, 1, TEXT, 192));
            assertThatThrownBy(() -> TransformerInput.of(new ImageTokens(latents, TokenIds.image(2, 3)), text, 500))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'prompt embeddings': batch size 1, but the latents have 2");
        }
    }

    @Test
    void moreTextGoesOnWhereThePromptEnds() {
        try (Scope _ = new Scope()) {
            TextTokens prompt = TextTokens.of(Tensors.zeros(DType.FLOAT32, Device.CPU, 2, 3, 8));
            TextTokens more = prompt.append(Tensors.full(1, DType.BFLOAT16, Device.CPU, 1, 2, 8));
            assertClose("ids", more.ids(), TokenIds.text(5), 0);
            Tensor ones = Tensors.full(1, DType.FLOAT32, Device.CPU, 2, 2, 8);
            assertClose("embeds", more.embeds(), Ops.cat(1, prompt.embeds(), ones), 0);
            assertThatThrownBy(() -> prompt.append(Tensors.zeros(DType.FLOAT32, Device.CPU, 1, 2, 9)))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'text_embedding': is [1, 2, 9], the transformer needs [2, S, 8]");
        }
    }
}
