package io.stencil.flux2.transformer;

import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Timestep and, in models that take it, guidance as one vector.
final class TimeGuidanceEmbedding extends Module {

    private static final double TIMESTEPS_PER_GUIDANCE = 1000;

    private final Embedder timestepEmbedder;
    private final @Nullable Embedder guidanceEmbedder;

    TimeGuidanceEmbedding(TransformerConfig config) {
        timestepEmbedder = module("timestep_embedder", new Embedder(config));
        guidanceEmbedder = config.guidanceEmbeds() ? module("guidance_embedder", new Embedder(config)) : null;
    }

    /// @param timestep `[B]`, 0..1000
    /// @param dtype of the result
    /// @return `[B, D]`
    Tensor forward(Tensor timestep, double guidance, DType dtype) {
        Tensor embedding = timestepEmbedder.forward(timestep, dtype);
        if (guidanceEmbedder == null) {
            return embedding;
        }
        Tensor scaled =
                Tensors.full(guidance * TIMESTEPS_PER_GUIDANCE, DType.FLOAT32, Device.of(timestep), timestep.size(0));
        return embedding.add(guidanceEmbedder.forward(scaled, dtype));
    }

    private static final class Embedder extends Module {
        private final Linear linear1;
        private final Linear linear2;
        private final int channels;

        Embedder(TransformerConfig config) {
            channels = config.timestepGuidanceChannels();
            linear1 = module("linear_1", new Linear(channels, config.dim(), false));
            linear2 = module("linear_2", new Linear(config.dim(), config.dim(), false));
        }

        Tensor forward(Tensor values, DType dtype) {
            Tensor waves = dtype.cast(Sinusoid.of(values, channels));
            return linear2.forward(Ops.silu(linear1.forward(waves)));
        }
    }
}
