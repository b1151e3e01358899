package io.stencil.lab.bench;

import io.stencil.autograd.Checkpointing;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.flux2.transformer.TextTokens;
import io.stencil.flux2.transformer.TokenIds;
import io.stencil.flux2.transformer.TransformerInput;
import io.stencil.template.value.ValueKeyValues;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.TorchGenerator;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/// The transformer, steered by a value Template with random weights, on random latents and a random prompt.
final class TransformerPass implements AutoCloseable {

    private static final double VALUE = 0.5;
    private static final double TIMESTEP = 500;

    private final BenchSize size;
    private final DType compute;
    private final Device device;
    private final Flux2Transformer transformer;
    private final ValueKeyValues template;

    TransformerPass(BenchModels models) {
        size = models.size();
        compute = models.load().compute();
        device = models.load().device();
        transformer = models.transformer();
        transformer.trainOnly(Set.of());
        template = ValueKeyValues.forBase(transformer.config(), size.templateLength());
        try (TorchGenerator generator = new TorchGenerator(1)) {
            template.initialize(models.trained(), device, generator);
        }
    }

    ValueKeyValues template() {
        return template;
    }

    /// @return the velocity `[1, S, channels]`, owned by the caller's scope
    Tensor predict(Checkpointing checkpointing) {
        KvCache cache = template.forward(VALUE, compute, device);
        try (TorchGenerator generator = new TorchGenerator(2)) {
            int tokens = size.sideTokens();
            int channels = transformer.config().inChannels();
            Tensor latents = generator.randn(compute, 1, (long) tokens * tokens, channels);
            Tensor prompt = generator.randn(
                    compute, 1, size.textTokens(), transformer.config().jointAttentionDim());
            TransformerInput input = TransformerInput.of(
                            new ImageTokens(device.place(latents), TokenIds.image(tokens, tokens)),
                            TextTokens.of(device.place(prompt)),
                            TIMESTEP)
                    .withKvCache(cache);
            return transformer.forward(input, checkpointing);
        }
    }

    @Override
    public void close() {
        template.close();
        transformer.close();
    }
}
