package io.stencil.template.image;

import io.stencil.error.TemplateException;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.safetensors.TensorEntry;
import io.stencil.template.ForwardContext;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// The Template of a folder that holds nothing but weights of the image family.
///
/// @param doubleBlocks number of double-stream blocks in the weights
/// @param singleBlocks number of single-stream blocks in the weights
/// @param files of the weights, relative to the folder
public record ImageTemplate(int doubleBlocks, int singleBlocks, List<String> files)
        implements Template<ImageTemplate.Input, EncodedImage> {

    private static final String EMBEDDER = "x_embedder.weight";
    private static final String DOUBLE_BLOCKS = "transformer_blocks.";
    private static final String SINGLE_BLOCKS = "single_transformer_blocks.";

    /// @param image has the sides of the generated image
    public record Input(RgbImage image, String prompt) {}

    public ImageTemplate {
        files = List.copyOf(files);
    }

    /// Returns whether the tensors are those of a small copy of some FLUX.2 transformer, with channels for an image
    /// and no more.
    public static boolean isIn(Map<String, TensorEntry> entries) {
        TransformerConfig published = hasGuidance(entries) ? TransformerConfig.dev() : TransformerConfig.klein4b();
        TensorEntry embedder = entries.get(EMBEDDER);
        int doubleBlocks = blocks(entries, DOUBLE_BLOCKS);
        int singleBlocks = blocks(entries, SINGLE_BLOCKS);
        if (embedder == null
                || embedder.shape().size() != 2
                || embedder.shape().get(1) != published.inChannels()
                || doubleBlocks + singleBlocks == 0) {
            return false;
        }
        TransformerConfig own = published.with(published.inChannels(), doubleBlocks, singleBlocks);
        try (Network network = new Network(own, doubleBlocks, singleBlocks)) {
            return network.shapes().keySet().equals(entries.keySet());
        }
    }

    /// Reads the numbers of blocks off the tensors' names; empty when the tensors are not of this family
    /// ([#isIn]), or of a transformer with other inputs than the base's.
    ///
    /// @param base the transformer to steer
    /// @param files of the weights, relative to the folder
    /// @param folder for messages
    /// @throws TemplateException when the base has fewer blocks
    public static Optional<ImageTemplate> of(
            Map<String, TensorEntry> entries, TransformerConfig base, List<String> files, Path folder) {
        if (!isIn(entries)
                || Objects.requireNonNull(entries.get(EMBEDDER)).shape().get(1) != base.inChannels()
                || hasGuidance(entries) != base.guidanceEmbeds()) {
            return Optional.empty();
        }
        int doubleBlocks = blocks(entries, DOUBLE_BLOCKS);
        int singleBlocks = blocks(entries, SINGLE_BLOCKS);
        if (doubleBlocks > base.numLayers() || singleBlocks > base.numSingleLayers()) {
            throw new TemplateException(
                    folder,
                    "has %s double and %s single blocks, but the base model has only %s and %s"
                            .formatted(doubleBlocks, singleBlocks, base.numLayers(), base.numSingleLayers()));
        }
        return Optional.of(new ImageTemplate(doubleBlocks, singleBlocks, files));
    }

    private static boolean hasGuidance(Map<String, TensorEntry> entries) {
        return entries.keySet().stream().anyMatch(name -> name.contains(".guidance_embedder."));
    }

    private static int blocks(Map<String, TensorEntry> entries, String prefix) {
        return Math.toIntExact(entries.keySet().stream()
                .filter(name -> name.startsWith(prefix))
                .map(name -> name.substring(prefix.length()).split("\\.", 2)[0])
                .distinct()
                .count());
    }

    @Override
    public TemplateModel<Input, EncodedImage> model(TransformerConfig base) {
        return new Network(base, doubleBlocks, singleBlocks);
    }

    @Override
    public Weights weights() {
        return Weights.files(files.toArray(String[]::new));
    }

    /// A small copy of the base model that reads image and prompt; its keys and values steer the base model's.
    public static final class Network extends TemplateModel<Input, EncodedImage> {
        private final ImageKeyValues keyValues;

        /// @param doubleBlocks double-stream blocks, like as many of the base's at equal distances
        /// @param singleBlocks single-stream blocks, likewise
        /// @throws io.stencil.error.InvalidRequestException when the base has fewer blocks, or both numbers are 0
        public Network(TransformerConfig base, int doubleBlocks, int singleBlocks) {
            keyValues = module("", ImageKeyValues.smallCopy(base, doubleBlocks, singleBlocks));
        }

        @Override
        public void initializeFrom(ModelSet base) {
            keyValues.copyFrom(base.requireTransformer());
        }

        @Override
        public EncodedImage processInputs(Input inputs, Flux2Pipeline pipeline) {
            return ImageKeyValues.encode(inputs.image(), inputs.prompt(), pipeline.models());
        }

        @Override
        public TemplateCache forward(EncodedImage encoded, ForwardContext context) {
            return TemplateCache.of(keyValues.forward(encoded, context));
        }
    }
}
