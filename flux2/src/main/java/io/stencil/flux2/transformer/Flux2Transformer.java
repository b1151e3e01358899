package io.stencil.flux2.transformer;

import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.Checkpointing.Segment;
import io.stencil.error.InvalidRequestException;
import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.tensor.CancellationToken;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/// The FLUX.2 transformer: predicts the velocity from an image to noise.
/// ```java
/// Flux2Transformer transformer = new Flux2Transformer(TransformerConfig.read(folder.resolve("config.json")));
/// new WeightLoader(DType.BFLOAT16, Device.CPU).load(transformer, Checkpoint.open(folder));
/// Tensor velocity = transformer.forward(TransformerInput.of(image, text, timestep), Checkpointing.OFF);
/// ```
/// It computes in the dtype of the latents.
public final class Flux2Transformer extends Module {

    private final TransformerConfig config;
    private final TransformerBody body;
    private final Modulation.Projection normOut;
    private final Linear projOut;

    public Flux2Transformer(TransformerConfig config) {
        int dim = config.dim();
        this.config = config;
        body = module("", new TransformerBody(config));
        normOut = module("norm_out", new Modulation.Projection(dim, 2));
        projOut = module("proj_out", new Linear(dim, config.inChannels(), false));
    }

    public TransformerConfig config() {
        return config;
    }

    /// The velocity at the tokens of `input.image`.
    ///
    /// @param checkpointing how the blocks run; a tape must stay open until its backward pass is over
    /// @return `[B, Si, in_channels]`, in the dtype of the latents, owned by the caller's scope, which must exist
    /// @throws InvalidRequestException when the KV cache does not fit this model
    public Tensor forward(TransformerInput input, Checkpointing checkpointing) {
        check(input);
        try (OpenPass _ = openPass();
                Scope scope = new Scope();
                HiddenStreams hidden = new HiddenStreams()) {
            DType dtype = DType.of(input.image().latents());
            Tensor embedding = body.embedTime(input, dtype); // [B, D]
            RotaryTable rope =
                    RotaryTable.of(input.ids(), config, Device.of(input.image().latents()));
            hidden.replace(_ -> body.embedTokens(input)); // [B, St, D], [B, Si + Sr, D]
            Pass pass = new Pass(embedding, rope, input.kvCache(), checkpointing);
            runDoubleBlocks(hidden, pass);
            hidden.replace(streams -> List.of(Ops.cat(1, streams))); // [B, St + Si + Sr, D]
            runSingleBlocks(hidden, pass);
            long textCount = input.text().embeds().size(1);
            long imageCount = input.image().latents().size(1);
            Tensor image = hidden.get().getFirst().narrow(1, textCount, imageCount); // [B, Si, D]
            return scope.keep(project(image, embedding));
        } finally {
            evict();
        }
    }

    /// What every block of one pass gets.
    private record Pass(Tensor embedding, RotaryTable rope, KvCache cache, Checkpointing checkpointing) {

        void run(Segment block, BlockId id, HiddenStreams hidden, List<Tensor> modulations) {
            CancellationToken.check();
            hidden.replace(streams ->
                    checkpointing.run(block, new BlockInput(streams, modulations, rope, cache.get(id)).flatten()));
        }
    }

    private void runDoubleBlocks(HiddenStreams hidden, Pass pass) {
        List<Tensor> modulations = body.doubleModulations(pass.embedding);
        for (int i = 0; i < config.numLayers(); i++) {
            pass.run(body.doubleBlocks().get(i).segment(false), new BlockId.DoubleStream(i), hidden, modulations);
        }
    }

    private void runSingleBlocks(HiddenStreams hidden, Pass pass) {
        List<Tensor> modulations = body.singleModulations(pass.embedding);
        for (int i = 0; i < config.numSingleLayers(); i++) {
            pass.run(body.singleBlocks().get(i).segment(false), new BlockId.SingleStream(i), hidden, modulations);
        }
    }

    private Tensor project(Tensor image, Tensor embedding) {
        List<Tensor> scaleAndShift = Ops.chunk(normOut.forward(embedding), 2, -1);
        return projOut.forward(Modulation.modulate(image, scaleAndShift.get(1), scaleAndShift.get(0), config.eps()));
    }

    private void check(TransformerInput input) {
        requireChannels("latents", input.image().latents(), config.inChannels());
        input.references()
                .forEach(reference -> requireChannels("edit_image latents", reference.latents(), config.inChannels()));
        requireChannels("prompt_embeds", input.text().embeds(), config.jointAttentionDim());
        input.kvCache().require(config, input.image().latents().size(0));
    }

    private static void requireChannels(String what, Tensor tokens, int channels) {
        if (tokens.size(2) != channels) {
            throw new InvalidRequestException(
                    what,
                    "have %s channels, the transformer needs %s; load the VAE and the text encoder that belong to it"
                            .formatted(tokens.size(2), channels));
        }
    }

    /// The hidden states between blocks. Each is freed as soon as the next ones are there, so that a pass without
    /// gradients holds one block's worth.
    private static final class HiddenStreams implements AutoCloseable {

        private List<OwnedTensor> streams = List.of();

        /// Replaces the streams by the outputs of `block`, and frees all else that it made.
        void replace(UnaryOperator<List<Tensor>> block) {
            try (Scope _ = new Scope()) {
                List<OwnedTensor> next =
                        block.apply(get()).stream().map(OwnedTensor::new).toList();
                close();
                streams = next;
            }
        }

        List<Tensor> get() {
            return streams.stream().map(OwnedTensor::get).toList();
        }

        @Override
        public void close() {
            streams.forEach(OwnedTensor::close);
        }
    }
}
