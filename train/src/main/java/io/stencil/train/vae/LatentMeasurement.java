package io.stencil.train.vae;

import io.stencil.autograd.GradMode;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import org.bytedeco.pytorch.Tensor;

/// Mean and variance of each channel of a VAE's folded latents over many pictures: what FLUX.2 normalises them by.
///
/// They are the running statistics of a batch normalisation (Ioffe and Szegedy 2015, arXiv:1502.03167) that has seen
/// each picture once; the variance is the unbiased one. Summed in float64.
public final class LatentMeasurement {

    private final AutoencoderKlFlux2 vae;
    private final double[] sum;
    private final double[] squares;
    private long count;

    /// @param vae stays the caller's
    public LatentMeasurement(AutoencoderKlFlux2 vae) {
        this.vae = vae;
        this.sum = new double[vae.config().foldedChannels()];
        this.squares = new double[sum.length];
    }

    /// Takes in pictures.
    ///
    /// @param pixels `[B, 3, H, W]`, -1 to 1
    public void add(Tensor pixels) {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled()) {
            Tensor rows =
                    DType.FLOAT64.cast(vae.foldedMeans(pixels)).transpose(0, 1).flatten(1, 3); // [128, B * h * w]
            float[] values = Tensors.toFloats(rows);
            int perChannel = values.length / sum.length;
            for (int i = 0; i < values.length; i++) {
                sum[i / perChannel] += values[i];
                squares[i / perChannel] += (double) values[i] * values[i];
            }
            count += perChannel;
        }
    }

    /// Puts mean and variance into the VAE.
    ///
    /// @throws IllegalStateException when fewer than two latents were seen
    public void apply() {
        if (count < 2) {
            throw new IllegalStateException("%s latents have no variance".formatted(count));
        }
        float[] mean = new float[sum.length];
        float[] variance = new float[sum.length];
        for (int i = 0; i < sum.length; i++) {
            double average = sum[i] / count;
            mean[i] = (float) average;
            variance[i] = (float) Math.max((squares[i] - count * average * average) / (count - 1), 0);
        }
        vae.setStatistics(mean, variance);
    }
}
