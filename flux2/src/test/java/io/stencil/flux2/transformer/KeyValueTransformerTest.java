package io.stencil.flux2.transformer;

import static io.stencil.testing.TensorAssert.assertClose;
import static io.stencil.testing.TensorAssert.assertSame;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.GradMode;
import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.transformer.KeyValueTransformer.BlockSpread;
import io.stencil.nn.Linear;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.Golden;
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class KeyValueTransformerTest {

    private static final BlockSpread ALL = BlockSpread.over(
            TinyTransformer.config(),
            TinyTransformer.config().numLayers(),
            TinyTransformer.config().numSingleLayers());

    private static KeyValueTransformer copyOf(Flux2Transformer base, BlockSpread spread, int extraChannels) {
        KeyValueTransformer small = new KeyValueTransformer(base.config(), spread, extraChannels);
        try (TorchGenerator generator = new TorchGenerator(1)) {
            small.initialize(DType.FLOAT32, Device.CPU, generator);
        }
        small.copyFrom(base);
        return small;
    }

    /// Attention over tokens that are all there twice gives what it gives over each of them once. So a block that gets
    /// its own keys and values as a cache, as the tap hands them out, must not change its output.
    @Test
    void aBlockThatSeesItsOwnKeysAndValuesAgainGivesTheSame() {
        try (TransformerBody body = new TransformerBody(TinyTransformer.config());
                TorchGenerator generator = new TorchGenerator(4);
                Scope _ = new Scope();
                GradMode _ = GradMode.disabled()) {
            body.initialize(DType.FLOAT32, Device.CPU, generator);
            int dim = TinyTransformer.config().dim();
            Tensor ids = Ops.cat(1, TokenIds.text(3), TokenIds.image(2, 2));
            RotaryTable rope = RotaryTable.of(ids, TinyTransformer.config(), Device.CPU);
            Tensor text = generator.randn(DType.FLOAT32, 1, 3, dim);
            Tensor image = generator.randn(DType.FLOAT32, 1, 4, dim);
            Tensor embedding = generator.randn(DType.FLOAT32, 1, dim);

            BlockInput twoStreams = new BlockInput(List.of(text, image), body.doubleModulations(embedding), rope, null);
            DoubleStreamBlock doubleBlock = body.doubleBlocks().getFirst();
            List<Tensor> fromDouble = doubleBlock.segment(true).run(twoStreams.flatten());
            assertThat(fromDouble).hasSize(4);
            List<Tensor> again = doubleBlock
                    .segment(false)
                    .run(new BlockInput(
                                    twoStreams.streams(),
                                    twoStreams.modulations(),
                                    rope,
                                    new KeyValue(fromDouble.get(2), fromDouble.get(3)))
                            .flatten());
            assertClose("text", again.get(0), fromDouble.get(0), 1e-5);
            assertClose("image", again.get(1), fromDouble.get(1), 1e-5);

            BlockInput oneStream =
                    new BlockInput(List.of(Ops.cat(1, text, image)), body.singleModulations(embedding), rope, null);
            SingleStreamBlock singleBlock = body.singleBlocks().getFirst();
            List<Tensor> fromSingle = singleBlock.segment(true).run(oneStream.flatten());
            List<Tensor> singleAgain = singleBlock
                    .segment(false)
                    .run(new BlockInput(
                                    oneStream.streams(),
                                    oneStream.modulations(),
                                    rope,
                                    new KeyValue(fromSingle.get(1), fromSingle.get(2)))
                            .flatten());
            assertClose("single", singleAgain.getFirst(), fromSingle.getFirst(), 1e-5);
        }
    }

    @Test
    void aFullCopyMakesTheKeysAndValuesOfTheBase() {
        try (Flux2Transformer base = TinyTransformer.load(DType.FLOAT32);
                KeyValueTransformer copy = copyOf(base, ALL, 0);
                Scope _ = new Scope();
                GradMode _ = GradMode.disabled()) {
            Golden golden = Golden.read(TinyTransformer.GOLDEN);
            TransformerInput input = TinyTransformer.input(golden, DType.FLOAT32);
            KvCache cache = copy.forward(input, Checkpointing.OFF);
            assertThat(cache.blocks().keySet()).containsExactlyElementsOf(TinyTransformer.blocks());
            cache.require(base.config(), input.image().latents().size(0));

            // A value of the first block is a projection of the modulated image tokens, without rotation.
            TransformerBody body = new TransformerBody(base.config());
            base.state().forEach((name, one) -> {
                if (body.state().containsKey(name)) {
                    Objects.requireNonNull(body.state().get(name)).set(one.get());
                }
            });
            Tensor image = body.embedTokens(input).get(1);
            Tensor chunks =
                    body.doubleModulations(body.embedTime(input, DType.FLOAT32)).get(1);
            Tensor modulated = Modulation.ForStream.of(chunks, base.config().eps())
                    .attention()
                    .modulate(image);
            Linear toV = (Linear) Objects.requireNonNull(base.modules().get("transformer_blocks.0.attn.to_v"));
            Tensor expected = toV.forward(modulated)
                    .unflatten(
                            -1, base.config().numAttentionHeads(), base.config().attentionHeadDim());
            KeyValue first = Objects.requireNonNull(cache.get(new BlockId.DoubleStream(0)));
            assertClose("v of double_0", first.v(), expected, 1e-6);
            body.close();
        }
    }

    @Test
    void blocksAreTakenAtEqualDistancesWithTheirWeights() {
        try (Flux2Transformer base = TinyTransformer.load(DType.FLOAT32);
                Scope _ = new Scope()) {
            int singles = base.config().numSingleLayers();
            BlockSpread spread = BlockSpread.over(base.config(), 1, 2);
            assertThat(spread.doubleBlocks()).containsExactly(new BlockId.DoubleStream(0));
            assertThat(spread.singleBlocks())
                    .containsExactly(new BlockId.SingleStream(0), new BlockId.SingleStream(singles / 2));
            try (KeyValueTransformer copy = copyOf(base, spread, 1)) {
                String last = ".attn.to_out.weight";
                assertSame(
                        "second single block",
                        Objects.requireNonNull(copy.state().get("single_transformer_blocks.1" + last))
                                .get(),
                        Objects.requireNonNull(base.state().get("single_transformer_blocks." + singles / 2 + last))
                                .get());
                Tensor embedder = Objects.requireNonNull(copy.state().get("x_embedder.weight"))
                        .get();
                int channels = base.config().inChannels();
                assertSame(
                        "known channels",
                        embedder.narrow(1, 0, channels).contiguous(),
                        Objects.requireNonNull(base.state().get("x_embedder.weight"))
                                .get());
                assertThat(embedder.narrow(1, channels, 1).abs().sum().item().toDouble())
                        .isZero();
            }
            assertThatThrownBy(() -> BlockSpread.over(base.config(), 1, singles + 1))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("are requested");
        }
    }
}
