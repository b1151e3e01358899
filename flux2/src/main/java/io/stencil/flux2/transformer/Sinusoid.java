package io.stencil.flux2.transformer;

import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import org.bytedeco.pytorch.Tensor;

/// Numbers as waves of many frequencies (Vaswani et al. 2017, arXiv:1706.03762), in which networks take timesteps.
public final class Sinusoid {

    private static final double LONGEST_PERIOD = 10_000;

    private Sinusoid() {}

    /// `[cos(x f_i), sin(x f_i)]` with `f_i = exp(-ln(10000) i / h)`, i = 0 .. h - 1, where h is half of `channels`.
    ///
    /// Float32 throughout: at 1000 the rounding of a frequency shows in the phase, and the weights know it so.
    ///
    /// @param values `[B]`
    /// @param channels even
    /// @return float32 `[B, channels]`
    public static Tensor of(Tensor values, int channels) {
        int half = channels / 2;
        float[] exponents = new float[half];
        for (int i = 0; i < half; i++) {
            exponents[i] = (float) -Math.log(LONGEST_PERIOD) * i / half;
        }
        Tensor frequencies =
                Device.of(values).place(Tensors.of(exponents, 1, half)).exp();
        Tensor angles = DType.FLOAT32.cast(values).unsqueeze(1).mul(frequencies);
        return Ops.cat(1, angles.cos(), angles.sin());
    }
}
