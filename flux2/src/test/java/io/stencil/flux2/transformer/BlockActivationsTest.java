package io.stencil.flux2.transformer;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.autograd.ActivationPolicy;
import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.Checkpointing.Segment;
import io.stencil.autograd.GradMode;
import io.stencil.autograd.GradientTape;
import io.stencil.nn.Linear;
import io.stencil.nn.Lora;
import io.stencil.nn.LoraBinding;
import io.stencil.nn.LoraPair;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.AllocatedMemory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// The bytes that blocks say they keep are those that the process grows by: in the middle of some passes, since the
/// first ones fill holes that earlier work left.
@Tag("memory")
class BlockActivationsTest {

    private static final int SIDE = 10;
    private static final int TEXT = 128;
    private static final int DIM = 384;
    private static final int PASSES = 3;
    private static final int RANK = 512; // what it keeps of a stream is a large block then

    /// What of a transformer is trained.
    enum Training {
        NOTHING,
        WEIGHTS,
        LORA
    }

    static List<Arguments> blocks() {
        List<Arguments> all = new ArrayList<>();
        for (boolean twofold : new boolean[] {false, true}) {
            for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
                all.add(Arguments.of(dtype, dtype, twofold, Training.NOTHING));
                all.add(Arguments.of(dtype, dtype, twofold, Training.WEIGHTS));
            }
            all.add(Arguments.of(DType.FLOAT32, DType.BFLOAT16, twofold, Training.WEIGHTS));
            all.add(Arguments.of(DType.BFLOAT16, DType.FLOAT32, twofold, Training.WEIGHTS));
            all.add(Arguments.of(DType.BFLOAT16, DType.BFLOAT16, twofold, Training.LORA));
        }
        return all;
    }

    @ParameterizedTest
    @MethodSource("blocks")
    void sayWhatTheyKeep(DType resting, DType dtype, boolean twofold, Training training) {
        AllocatedMemory.mapLargeBlocks();
        try (Scope _ = new Scope();
                GradMode _ = GradMode.enabled();
                TorchGenerator generator = new TorchGenerator(5);
                Flux2Transformer transformer = transformer(2, 2, resting, generator);
                LoraBinding _ = LoraBinding.bind(
                        transformer, training == Training.LORA ? lora(transformer, generator) : Lora.empty())) {
            transformer.trainOnly(training == Training.WEIGHTS ? Set.of("") : Set.of());
            TransformerInput input = input(dtype, generator);
            transformer.forward(input, Checkpointing.OFF);

            List<Double> ratios = new ArrayList<>();
            for (int i = 0; i < PASSES; i++) {
                try (GradientTape _ = new GradientTape()) { // as in training: frozen weights leave no copies
                    Probe probe = new Probe(twofold ? 1 : 3);
                    transformer.forward(input, probe);
                    ratios.add((double) probe.said / probe.held);
                }
            }
            assertThat(ratios.stream().sorted().toList().get(PASSES / 2))
                    .as("of %s", ratios)
                    .isBetween(0.95, 1.15);
        }
    }

    /// A small transformer that is trained in bfloat16 with weights in float32: what is kept beyond that of a pass that
    /// computes every block twice is within the bound, whatever the bound is, and near it.
    @Test
    void thePolicysBoundHoldsForATrainedTransformer() {
        AllocatedMemory.mapLargeBlocks();
        try (Scope _ = new Scope();
                GradMode _ = GradMode.enabled();
                TorchGenerator generator = new TorchGenerator(5);
                Flux2Transformer transformer = transformer(2, 6, DType.FLOAT32, generator)) {
            transformer.trainOnly(Set.of(""));
            TransformerInput input = input(DType.BFLOAT16, generator);
            kept(transformer, input, 1);
            long least = kept(transformer, input, 1);
            long all = kept(transformer, input, Long.MAX_VALUE) - least;
            long block = all / 10; // of one stream; those of two keep twice that
            for (int part = 1; part <= 3; part++) {
                long bound = all * part / 4;
                assertThat(kept(transformer, input, bound) - least)
                        .as("%s of 4", part)
                        .isBetween(bound - 3 * block / 2, bound + bound / 20);
            }
        }
    }

    /// Bytes that wait for the backward pass.
    private static long kept(Flux2Transformer transformer, TransformerInput input, long bound) {
        long before = AllocatedMemory.bytes();
        try (Scope _ = new Scope();
                GradientTape tape = new GradientTape()) {
            Checkpointing policy = new ActivationPolicy.Within(bound, false).on(tape);
            transformer.forward(input, policy);
            return AllocatedMemory.bytes() - before;
        }
    }

    private static Flux2Transformer transformer(int twofold, int single, DType resting, TorchGenerator generator) {
        TransformerConfig config = new TransformerConfig(
                128, twofold, single, 64, DIM / 64, 96, 256, 3.0, List.of(16, 16, 16, 16), 2000, 1e-6, false);
        Flux2Transformer transformer = new Flux2Transformer(config);
        transformer.initialize(resting, Device.CPU, generator);
        return transformer;
    }

    /// In float32 on every product of the blocks.
    private static Lora lora(Flux2Transformer transformer, TorchGenerator generator) {
        Map<String, LoraPair> pairs = new LinkedHashMap<>();
        transformer.modules().forEach((name, part) -> {
            if (part instanceof Linear linear && name.contains("blocks.")) {
                long[] shape = linear.weight().shape();
                Tensor a = generator.randn(DType.FLOAT32, RANK, shape[1]);
                Tensor b = generator.randn(DType.FLOAT32, shape[0], RANK);
                a.requires_grad_(true);
                b.requires_grad_(true);
                pairs.put(name, new LoraPair(a, b));
            }
        });
        return new Lora(pairs);
    }

    /// Measures one block of a pass, whose streams require gradients since an earlier one has a cache.
    private static final class Probe implements Checkpointing {
        private int before;
        private long said;
        private long held;

        Probe(int before) {
            this.before = before;
        }

        @Override
        public List<Tensor> run(Segment segment, List<Tensor> inputs) {
            if (before-- != 0) {
                return segment.run(inputs);
            }
            said = segment.activationBytes(inputs).orElseThrow();
            long resident = AllocatedMemory.bytes();
            List<Tensor> outputs = segment.run(inputs);
            long made = outputs.stream().mapToLong(Tensor::nbytes).sum();
            held = AllocatedMemory.bytes() - resident - made;
            return outputs;
        }
    }

    private static TransformerInput input(DType dtype, TorchGenerator generator) {
        Tensor latents = generator.randn(dtype, 1, SIDE * SIDE, 128);
        Tensor embeds = generator.randn(dtype, 1, TEXT, 96);
        Tensor k = generator.randn(dtype, 1, 8, DIM / 64, 64);
        Tensor v = generator.randn(dtype, 1, 8, DIM / 64, 64);
        k.requires_grad_(true);
        v.requires_grad_(true);
        KeyValue cached = new KeyValue(k, v);
        ImageTokens image = new ImageTokens(latents, TokenIds.image(SIDE, SIDE));
        return TransformerInput.of(image, TextTokens.of(embeds), 500)
                .withKvCache(new KvCache(Map.of(
                        new BlockId.DoubleStream(0), cached,
                        new BlockId.DoubleStream(1), cached,
                        new BlockId.SingleStream(1), cached)));
    }
}
