package io.stencil.train.init;

import io.stencil.autograd.GradMode;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.TorchGenerator;
import java.util.List;

/// Weights that a transformer can be trained from, after the initialisation of DiT (Peebles and Xie 2022,
/// arXiv:2212.09748, section 3.2 and its published code).
///
/// Linear layers are Xavier-uniform (Glorot and Bengio 2010). What makes the modulations, and the last projection, is
/// zero, so that every block begins as the identity and the velocity as 0. Where DiT gives the timestep's MLP a
/// standard
/// deviation of 0.02, which suits a width of a thousand, this one has Xavier's too: at a width of a hundred its output
/// would all but vanish.
final class TransformerStart {

    /// Layers that are zero at the start.
    private static final List<String> ZERO = List.of(
            "double_stream_modulation_img.linear.weight",
            "double_stream_modulation_txt.linear.weight",
            "single_stream_modulation.linear.weight",
            "norm_out.linear.weight",
            "proj_out.weight");

    private TransformerStart() {}

    /// Fills all weights, in float32 on the CPU.
    static void fill(Flux2Transformer transformer, TorchGenerator generator) {
        transformer.initialize(DType.FLOAT32, Device.CPU, generator);
        try (GradMode _ = GradMode.disabled()) {
            transformer.state().forEach((name, parameter) -> {
                if (ZERO.contains(name)) {
                    parameter.get().zero_();
                } else if (parameter.shape().length == 2) {
                    xavier(parameter, generator);
                }
            });
        }
    }

    private static void xavier(Parameter parameter, TorchGenerator generator) {
        double bound = Math.sqrt(6.0 / (parameter.shape()[0] + parameter.shape()[1]));
        generator.fillUniform(parameter.get(), -bound, bound);
    }
}
