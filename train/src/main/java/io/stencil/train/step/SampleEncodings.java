package io.stencil.train.step;

import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.template.load.PreparedInput;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// All that a training step needs of a sample, in the dtype of activations.
///
/// @param latents of the picture, `[1, 128, H/16, W/16]`
/// @param references of the edit images, in their order
/// @param promptEmbeds `[1, St, joint]`
/// @param prepared the Template's processed inputs, or null when none takes part
public record SampleEncodings(
        Tensor latents,
        List<ImageTokens> references,
        Tensor promptEmbeds,
        @Nullable PreparedInput<?> prepared) {

    public SampleEncodings {
        references = List.copyOf(references);
    }
}
