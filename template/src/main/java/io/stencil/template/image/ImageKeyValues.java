package io.stencil.template.image;

import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.flux2.transformer.KeyValueTransformer;
import io.stencil.flux2.transformer.KeyValueTransformer.BlockSpread;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.flux2.transformer.TextTokens;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.flux2.transformer.TransformerInput;
import io.stencil.image.RgbImage;
import io.stencil.nn.Module;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.template.ForwardContext;
import io.stencil.tensor.DType;

/// Turns an image and a prompt into keys and values for some blocks of the transformer, by a small copy of it that
/// reads the image as the finished one: at timestep 0, with the position ids of the generated image.
///
/// As every token knows its place, the image should have the sides of the one that is made.
public final class ImageKeyValues extends Module {

    /// Without noise.
    private static final double TIMESTEP = 0;

    private final KeyValueTransformer transformer;

    /// @param extraChannels of the latents, behind those of the base model
    private ImageKeyValues(TransformerConfig base, BlockSpread spread, int extraChannels) {
        transformer = module("", new KeyValueTransformer(base, spread, extraChannels));
    }

    /// A copy with so many of the base's double-stream and single-stream blocks, taken at equal distances.
    public static ImageKeyValues smallCopy(TransformerConfig base, int doubleBlocks, int singleBlocks) {
        return smallCopy(base, doubleBlocks, singleBlocks, 0);
    }

    /// [#smallCopy(TransformerConfig, int, int)] for latents that have more channels than the base's.
    public static ImageKeyValues smallCopy(
            TransformerConfig base, int doubleBlocks, int singleBlocks, int extraChannels) {
        return new ImageKeyValues(base, BlockSpread.over(base, doubleBlocks, singleBlocks), extraChannels);
    }

    /// Begins with the base's weights: the start from which a copy learns fastest.
    public void copyFrom(Flux2Transformer base) {
        transformer.copyFrom(base);
    }

    /// The stage without gradients.
    ///
    /// @return owned by the caller's scope
    public static EncodedImage encode(RgbImage image, String prompt, ModelSet models) {
        return new EncodedImage(models.encode(image), models.encodePrompt(prompt));
    }

    /// @return k and v `[1, H/16 * W/16, heads, headDim]` for each block of the copy, owned by the caller's scope
    public KvCache forward(EncodedImage encoded, ForwardContext context) {
        DType dtype = context.dtype();
        ImageTokens image = ImageTokens.ofLatents(dtype.cast(encoded.latents()));
        return transformer.forward(
                TransformerInput.of(image, TextTokens.of(encoded.prompt()), TIMESTEP), context.checkpointing());
    }
}
