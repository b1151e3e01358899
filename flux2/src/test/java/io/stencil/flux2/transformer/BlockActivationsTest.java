package io.stencil.flux2.transformer;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.GradMode;
import io.stencil.autograd.Segment;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.AllocatedMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// The bytes that blocks say they keep are those that the process grows by: in the middle of some passes, since the
/// first ones fill holes that earlier work left.
@Tag("memory")
class BlockActivationsTest {

    private static final int SIDE = 16;
    private static final int TEXT = 128;
    private static final int DIM = 512;
    private static final int PASSES = 15;

    static List<Arguments> blocks() {
        List<Arguments> all = new ArrayList<>();
        for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
            for (boolean twofold : new boolean[] {false, true}) {
                for (boolean trained : new boolean[] {false, true}) {
                    all.add(Arguments.of(dtype, twofold, trained));
                }
            }
        }
        return all;
    }

    @ParameterizedTest
    @MethodSource("blocks")
    void sayWhatTheyKeep(DType dtype, boolean twofold, boolean trained) {
        AllocatedMemory.mapLargeBlocks();
        TransformerConfig config = new TransformerConfig(
                128, 2, 2, 64, DIM / 64, 96, 256, 3.0, List.of(16, 16, 16, 16), 2000, 1e-6, false);
        try (Scope _ = new Scope();
                GradMode _ = GradMode.enabled();
                TorchGenerator generator = new TorchGenerator(5);
                Flux2Transformer transformer = new Flux2Transformer(config)) {
            transformer.initialize(dtype, Device.CPU, generator);
            transformer.trainOnly(trained ? Set.of("") : Set.of());
            TransformerInput input = input(dtype, generator);
            transformer.forward(input, Checkpointing.OFF);

            List<Double> ratios = new ArrayList<>();
            for (int i = 0; i < PASSES; i++) {
                Probe probe = new Probe(twofold ? 1 : 3);
                transformer.forward(input, probe);
                ratios.add((double) probe.said / probe.held);
            }
            assertThat(ratios.stream().sorted().toList().get(PASSES / 2))
                    .as("of %s", ratios)
                    .isBetween(0.95, 1.15);
        }
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
