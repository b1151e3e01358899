package io.stencil.train.init;

import io.stencil.nn.Initializer;
import io.stencil.nn.Parameter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Weights that a transformer can be trained from, after the initialisation of DiT (Peebles and Xie 2022,
/// arXiv:2212.09748, section 3.2 and its published code).
///
/// Linear layers are Xavier-uniform (Glorot and Bengio 2010). What makes the modulations, and the last projection, is
/// zero, so that every block begins as the identity and the velocity as 0. Where DiT gives the timestep's MLP a
/// standard deviation of 0.02, which suits a width of a thousand, this one has Xavier's too: at a width of a hundred
/// its output would all but vanish.
final class TransformerStart {

    /// Layers that are zero at the start.
    private static final List<String> ZERO = List.of(
            "double_stream_modulation_img.linear.weight",
            "double_stream_modulation_txt.linear.weight",
            "single_stream_modulation.linear.weight",
            "norm_out.linear.weight",
            "proj_out.weight");

    private TransformerStart() {}

    /// How a weight is filled; null leaves it as its layer begins.
    static @Nullable Initializer of(String name, Parameter parameter) {
        if (ZERO.contains(name)) {
            return Initializer.ZEROS;
        }
        return parameter.shape().length == 2 ? xavier(parameter.shape()) : null;
    }

    private static Initializer xavier(long[] shape) {
        double bound = Math.sqrt(6.0 / (shape[0] + shape[1]));
        return (tensor, generator) -> generator.fillUniform(tensor, -bound, bound);
    }
}
