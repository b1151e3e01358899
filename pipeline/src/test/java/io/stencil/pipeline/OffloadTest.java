package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.autograd.ActivationPolicy;
import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.GradMode;
import io.stencil.autograd.GradientTape;
import io.stencil.flux2.text.TextEncoder;
import io.stencil.flux2.transformer.BlockId;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.flux2.transformer.KeyValue;
import io.stencil.flux2.transformer.KeyValueTransformer;
import io.stencil.flux2.transformer.KeyValueTransformer.BlockSpread;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.flux2.transformer.TextTokens;
import io.stencil.flux2.transformer.TokenIds;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.flux2.transformer.TransformerInput;
import io.stencil.nn.Module;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TensorAssert;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// A pipeline whose models let go of their weights after each use makes the pictures of one that keeps them.
class OffloadTest {

    @ParameterizedTest
    @EnumSource(names = {"BFLOAT16", "FLOAT32"})
    void picturesAreThoseOfAPipelineInMemory(DType dtype) {
        GenerationRequest request = GenerationRequest.of("a cat")
                .size(64, 64)
                .steps(3)
                .cfgScale(2)
                .seed(3)
                .build();
        GeneratedImage kept = generate(request, new LoadOptions(dtype, Device.CPU));
        GeneratedImage offloaded =
                generate(request, new LoadOptions(dtype, Device.CPU).withOffload(Set.of(ModelRole.values())));
        try (Scope _ = new Scope()) {
            TensorAssert.assertClose(
                    "latents",
                    offloaded.latents().toTensor(),
                    kept.latents().toTensor(),
                    dtype == DType.FLOAT32 ? 1e-5 : 1e-2);
        }
        assertThat(offloaded.image().size()).isEqualTo(kept.image().size());
    }

    /// Asks the models themselves, not the pipeline around them.
    @ParameterizedTest
    @EnumSource(names = {"BFLOAT16", "FLOAT32"})
    void nothingOfAModelStaysAfterAPass(DType dtype) {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled();
                ModelSet models = offloaded(dtype)) {
            TextEncoder text = Objects.requireNonNull(models.textEncoder());
            Tensor embeds = text.encode("a cat");
            assertNothingIsInMemory(text.encoder());

            Tensor latents = models.requireVae().encode(Tensors.zeros(models.compute(), Device.CPU, 1, 3, 64, 64));
            assertNothingIsInMemory(models.requireVae());
            models.requireVae().decode(latents);
            assertNothingIsInMemory(models.requireVae());

            models.requireTransformer().forward(input(latents, embeds, KvCache.empty()), Checkpointing.OFF);
            assertNothingIsInMemory(models.requireTransformer());
        }
    }

    /// As a Template is trained: through a frozen transformer.
    @ParameterizedTest
    @CsvSource({"BFLOAT16, false", "FLOAT32, false", "BFLOAT16, true", "FLOAT32, true"})
    void nothingOfTheTransformerStaysAfterABackwardPass(DType dtype, boolean recompute) {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(2);
                ModelSet models = offloaded(dtype);
                ModelSet kept =
                        ModelSet.load(ModelFiles.in(ShortPrompts.model()), new LoadOptions(dtype, Device.CPU))) {
            TransformerConfig config = models.requireTransformer().config();
            Tensor latents = generator.randn(models.compute(), 1, config.inChannels(), 4, 4);
            Tensor embeds = generator.randn(models.compute(), 1, 8, config.jointAttentionDim());
            Tensor k = generator.randn(models.compute(), 1, 3, config.numAttentionHeads(), config.attentionHeadDim());
            Tensor mine = leaf(k);
            Tensor theirs = leaf(k);
            ActivationPolicy policy = recompute ? new ActivationPolicy.Recompute(false) : new ActivationPolicy.Keep();
            try (GradientTape tape = new GradientTape()) {
                Tensor velocity =
                        models.requireTransformer().forward(input(latents, embeds, cache(mine)), policy.on(tape));
                assertNothingIsInMemory(models.requireTransformer());
                tape.backward(velocity.square().sum());
                assertNothingIsInMemory(models.requireTransformer());
            }
            try (GradientTape tape = new GradientTape()) {
                Tensor velocity =
                        kept.requireTransformer().forward(input(latents, embeds, cache(theirs)), policy.on(tape));
                tape.backward(velocity.square().sum());
            }
            TensorAssert.assertClose(
                    "gradient", mine.grad(), theirs.grad(), models.compute() == DType.FLOAT32 ? 1e-5 : 2e-2);
        }
    }

    /// As a Template does whose weights begin with the base model's.
    @ParameterizedTest
    @EnumSource(names = {"BFLOAT16", "FLOAT32"})
    void nothingOfTheTransformerStaysWhenItsWeightsAreCopied(DType dtype) {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(2);
                ModelSet models = offloaded(dtype)) {
            Flux2Transformer base = models.requireTransformer();
            try (KeyValueTransformer small =
                    new KeyValueTransformer(base.config(), BlockSpread.over(base.config(), 1, 1), 2)) {
                small.initialize(dtype, Device.CPU, generator);
                small.copyFrom(base);
                assertNothingIsInMemory(base);
                String name = "single_transformer_blocks.0.attn.to_out.weight";
                TensorAssert.assertSame(name, weight(small, name), weight(base, name));
            }
        }
    }

    private static Tensor weight(Module model, String name) {
        return Objects.requireNonNull(model.state().get(name)).get();
    }

    private static ModelSet offloaded(DType dtype) {
        return ModelSet.load(
                ModelFiles.in(ShortPrompts.model()),
                new LoadOptions(dtype, Device.CPU).withOffload(Set.of(ModelRole.values())));
    }

    private static void assertNothingIsInMemory(Module model) {
        assertThat(model.state())
                .allSatisfy((_, one) -> assertThat(one.isInMemory()).isFalse());
    }

    private static Tensor leaf(Tensor values) {
        Tensor leaf = values.clone();
        leaf.requires_grad_(true);
        return leaf;
    }

    private static KvCache cache(Tensor k) {
        return new KvCache(Map.of(
                new BlockId.DoubleStream(0), new KeyValue(k, k), new BlockId.SingleStream(0), new KeyValue(k, k)));
    }

    /// @param latents `[1, C, 4, 4]`
    private static TransformerInput input(Tensor latents, Tensor embeds, KvCache cache) {
        Tensor tokens = latents.flatten(2, 3).transpose(1, 2);
        ImageTokens image = new ImageTokens(tokens, TokenIds.image(4, 4));
        return TransformerInput.of(image, TextTokens.of(embeds), 500).withKvCache(cache);
    }

    private static GeneratedImage generate(GenerationRequest request, LoadOptions options) {
        try (Flux2Pipeline pipeline = Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), options)) {
            pipeline.generate(request);
            return pipeline.generate(request); // from weights that were let go of
        }
    }
}
