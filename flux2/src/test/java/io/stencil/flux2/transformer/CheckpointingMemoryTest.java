package io.stencil.flux2.transformer;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.GradMode;
import io.stencil.autograd.GradientTape;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.AllocatedMemory;
import io.stencil.testing.ResidentMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// What passes hold in memory, on transformers whose activations are larger than their weights.
@Tag("memory")
class CheckpointingMemoryTest {

    private static final int SIDE = 32;
    private static final int TEXT = 64;
    private static final int DIM = 256;

    /// One stream of hidden states in float32.
    private static final long STREAM = (SIDE * SIDE + TEXT) * (long) DIM * 4;

    /// The least that a block must remember for its gradients when nothing is recomputed, in streams.
    private static final long REMEMBERED = 10;

    /// What the allocator keeps back can look like growth, and can hide it.
    @BeforeAll
    static void mapBlocks() {
        AllocatedMemory.mapLargeBlocks();
    }

    private static Flux2Transformer transformer(int singleBlocks, TorchGenerator generator) {
        TransformerConfig config = new TransformerConfig(
                128, 1, singleBlocks, 64, DIM / 64, 96, 256, 3.0, List.of(16, 16, 16, 16), 2000, 1e-6, false);
        Flux2Transformer transformer = new Flux2Transformer(config);
        transformer.initialize(DType.FLOAT32, Device.CPU, generator);
        return transformer;
    }

    /// A pass whose first block has a cache that requires gradients.
    private static TransformerInput input(TorchGenerator generator) {
        Tensor latents = generator.randn(DType.FLOAT32, 1, SIDE * SIDE, 128);
        Tensor embeds = generator.randn(DType.FLOAT32, 1, TEXT, 96);
        Tensor k = generator.randn(DType.FLOAT32, 1, 8, DIM / 64, 64);
        Tensor v = generator.randn(DType.FLOAT32, 1, 8, DIM / 64, 64);
        k.requires_grad_(true);
        v.requires_grad_(true);
        ImageTokens image = new ImageTokens(latents, TokenIds.image(SIDE, SIDE));
        return TransformerInput.of(image, TextTokens.of(embeds), 500)
                .withKvCache(new KvCache(Map.of(new BlockId.DoubleStream(0), new KeyValue(k, v))));
    }

    /// Bytes that passes added to the process, measured while their results wait for the backward pass. Several are
    /// held at once, since the allocator keeps some memory back after each.
    private static long held(Flux2Transformer transformer, TransformerInput input, Checkpointing checkpointing) {
        long before = ResidentMemory.bytes();
        try (Scope _ = new Scope()) {
            for (int i = 0; i < 4; i++) {
                Tensor velocity = transformer.forward(input, checkpointing);
                assertThat(velocity.requires_grad()).isTrue();
            }
            return ResidentMemory.bytes() - before;
        }
    }

    /// The lighter passes run first: what the allocator kept back from them can only make the others look lighter.
    @Test
    void checkpointedPassesHoldLess() {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(5);
                Flux2Transformer transformer = transformer(2, generator);
                GradientTape warmUp = new GradientTape();
                GradientTape tape = new GradientTape()) {
            TransformerInput input = input(generator);
            transformer.forward(input, warmUp);
            long checkpointed = held(transformer, input, tape);
            long plain = held(transformer, input, Checkpointing.OFF);
            assertThat(plain).isGreaterThan(3 * checkpointed);
            assertThat(plain).isGreaterThan(4 * 3 * REMEMBERED * STREAM);
        }
    }

    /// Without gradients a block's activations are freed before the next block runs.
    @Test
    void memoryDoesNotGrowFromBlockToBlock() {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled();
                TorchGenerator generator = new TorchGenerator(5);
                Flux2Transformer transformer = transformer(9, generator)) {
            TransformerInput input = input(generator);
            transformer.forward(input, Checkpointing.OFF);
            List<Long> afterBlock = new ArrayList<>();
            transformer.forward(input, (segment, inputs) -> {
                List<Tensor> outputs = segment.run(inputs);
                afterBlock.add(AllocatedMemory.bytes());
                return outputs;
            });
            assertThat(afterBlock).hasSize(10);
            assertThat(afterBlock.getLast() - afterBlock.getFirst()).isLessThan(3 * REMEMBERED * STREAM);
        }
    }
}
