package io.stencil.train.encodings;

import io.stencil.pipeline.Conditioning;
import io.stencil.template.load.LoadedTemplate.PreparedInput;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Holds the results of the stages without gradients for a sample, all that a training step needs of it, in the dtype
/// of activations.
///
/// @param conditioning images and prompt, encoded by the frozen VAE and text encoder
/// @param mask how much each token of the image counts in the loss, float32 `[1, S, 1]` in 0..1, or null where all
///     count in full
/// @param prepared processed input of the Template, or null when none takes part
public record Encoded(
        Conditioning conditioning,
        @Nullable Tensor mask,
        @Nullable PreparedInput<?> prepared) {

    /// Replaces every tensor by its copy.
    public Encoded map(UnaryOperator<Tensor> copy) {
        return new Encoded(
                conditioning.map(copy),
                mask == null ? null : copy.apply(mask),
                prepared == null ? null : prepared.map(copy));
    }
}
