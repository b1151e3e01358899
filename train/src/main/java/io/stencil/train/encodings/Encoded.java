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
/// @param prepared processed input of the Template, or null when none takes part
public record Encoded(Conditioning conditioning, @Nullable PreparedInput<?> prepared) {

    /// Replaces every tensor by its copy.
    public Encoded map(UnaryOperator<Tensor> copy) {
        return new Encoded(conditioning.map(copy), prepared == null ? null : prepared.map(copy));
    }
}
