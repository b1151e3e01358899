package io.stencil.flux2.vae;

import io.stencil.nn.Initializer;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import org.bytedeco.pytorch.Tensor;

/// Mean and variance of each channel of the latents, found when the VAE was trained (the statistics of a batch
/// normalisation, Ioffe and Szegedy 2015, arXiv:1502.03167).
///
/// Computed in float32: `variance + eps` would round to the variance in bfloat16.
final class LatentStatistics extends Module {

    private final Parameter mean;
    private final Parameter variance;
    private final double eps;

    LatentStatistics(int channels, double eps) {
        mean = buffer("running_mean", Initializer.ZEROS, DType.FLOAT32, channels);
        variance = buffer("running_var", Initializer.ONES, DType.FLOAT32, channels);
        buffer("num_batches_tracked", Initializer.ZEROS, DType.INT64);
        this.eps = eps;
    }

    /// @param x `[B, C, h, w]`
    /// @return `x` with mean 0 and variance 1 in each channel, by these statistics
    Tensor normalize(Tensor x) {
        try {
            Tensor centred = DType.FLOAT32.cast(x).sub(perChannel(mean));
            return DType.of(x).cast(centred.div(deviation()));
        } finally {
            evict();
        }
    }

    /// The inverse of [#normalize].
    Tensor restore(Tensor x) {
        try {
            Tensor scaled = DType.FLOAT32.cast(x).mul(deviation());
            return DType.of(x).cast(scaled.add(perChannel(mean)));
        } finally {
            evict();
        }
    }

    void set(float[] newMean, float[] newVariance) {
        try (Scope _ = new Scope()) {
            mean.set(like(mean, newMean));
            variance.set(like(variance, newVariance));
        }
    }

    private static Tensor like(Parameter statistic, float[] values) {
        return statistic.device().place(Tensors.of(values, statistic.shape()), statistic.dtype());
    }

    private Tensor deviation() {
        return Ops.add(perChannel(variance), eps).sqrt();
    }

    private static Tensor perChannel(Parameter statistic) {
        return DType.FLOAT32.cast(statistic.get()).view(1, -1, 1, 1);
    }
}
