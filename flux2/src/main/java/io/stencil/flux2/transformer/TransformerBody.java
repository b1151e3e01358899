package io.stencil.flux2.transformer;

import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// All of a FLUX.2 transformer but its output: embedders, modulations and blocks, under the names that they have in its
/// checkpoints.
final class TransformerBody extends Module {

    private final TimeGuidanceEmbedding timeGuidanceEmbed;
    private final Modulation.Projection imageModulation;
    private final Modulation.Projection textModulation;
    private final Modulation.Projection singleModulation;
    private final Linear imageEmbedder;
    private final Linear textEmbedder;
    private final List<DoubleStreamBlock> doubleBlocks = new ArrayList<>();
    private final List<SingleStreamBlock> singleBlocks = new ArrayList<>();

    /// @param config its channels are those of the image tokens
    TransformerBody(TransformerConfig config) {
        int dim = config.dim();
        timeGuidanceEmbed = module("time_guidance_embed", new TimeGuidanceEmbedding(config));
        imageModulation = module("double_stream_modulation_img", new Modulation.Projection(dim, 6));
        textModulation = module("double_stream_modulation_txt", new Modulation.Projection(dim, 6));
        singleModulation = module("single_stream_modulation", new Modulation.Projection(dim, 3));
        imageEmbedder = module("x_embedder", new Linear(config.inChannels(), dim, false));
        textEmbedder = module("context_embedder", new Linear(config.jointAttentionDim(), dim, false));
        for (int i = 0; i < config.numLayers(); i++) {
            doubleBlocks.add(module("transformer_blocks." + i, new DoubleStreamBlock(config)));
        }
        for (int i = 0; i < config.numSingleLayers(); i++) {
            singleBlocks.add(module("single_transformer_blocks." + i, new SingleStreamBlock(config)));
        }
    }

    List<DoubleStreamBlock> doubleBlocks() {
        return doubleBlocks;
    }

    List<SingleStreamBlock> singleBlocks() {
        return singleBlocks;
    }

    /// @param dtype of the result
    /// @return the embedded timestep and guidance, `[B, D]`
    Tensor embedTime(TransformerInput input, DType dtype) {
        return timeGuidanceEmbed.forward(input.timestep(), input.guidance(), dtype);
    }

    /// @return hidden states of text and of images, `[B, St, D]` and `[B, Si + Sr, D]`, in the dtype of the latents
    List<Tensor> embedTokens(TransformerInput input) {
        Tensor latents = input.latents();
        Tensor text = DType.of(latents).cast(input.text().embeds());
        return List.of(textEmbedder.forward(text), imageEmbedder.forward(latents));
    }

    /// @param embedding `[B, D]`
    /// @return for double-stream blocks: of text, then of image
    List<Tensor> doubleModulations(Tensor embedding) {
        return List.of(textModulation.forward(embedding), imageModulation.forward(embedding));
    }

    /// @param embedding `[B, D]`
    /// @return for single-stream blocks
    List<Tensor> singleModulations(Tensor embedding) {
        return List.of(singleModulation.forward(embedding));
    }

    /// Timestep and, in models that take it, guidance as one vector.
    private static final class TimeGuidanceEmbedding extends Module {

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
            Tensor scaled = Tensors.full(
                    guidance * TIMESTEPS_PER_GUIDANCE, DType.FLOAT32, Device.of(timestep), timestep.size(0));
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
}
