package io.stencil.train.vae;

import io.stencil.autograd.GradMode;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import org.bytedeco.pytorch.Tensor;

/// What a VAE is trained for: pictures that come back as they went in, from latents that are small and bear some
/// noise.
///
/// The loss is the mean absolute error plus the mean squared error of the pixels, the mean absolute error of the steps
/// from each pixel to the next (which blurred edges and rounded corners cost dearly; the gradient difference loss of
/// Mathieu et al. 2016, arXiv:1511.05440, of signed steps), and the Kullback-Leibler divergence of the latents from the
/// standard normal distribution, summed over a picture's latents and averaged over the batch (Kingma and Welling 2014,
/// arXiv:1312.6114; weighted low as in Rombach et al. 2022, arXiv:2112.10752). The decoder
/// sees the means with noise in proportion to their own spread, and not a draw from the distribution: a model this
/// small learns nothing under the full noise.
///
/// @param latentNoise standard deviation of the noise, in units of that of each channel in the batch
/// @param klWeight of the divergence
/// @param edgeWeight of the steps' error; 0 leaves it out
public record VaeLoss(double latentNoise, double klWeight, double edgeWeight) {

    /// Logarithms of the variance are clipped to this range, as is customary.
    private static final double MIN_LOG_VARIANCE = -30;
    private static final double MAX_LOG_VARIANCE = 20;

    /// Adds the gradients of a batch's loss to those of the trainable parameters.
    ///
    /// @param pixels `[B, 3, H, W]`, -1 to 1
    /// @param generator gives the noise
    /// @param share of the gradients that is added
    /// @return the loss
    public double accumulate(AutoencoderKlFlux2 vae, Tensor pixels, TorchGenerator generator, double share) {
        try (Scope _ = new Scope()) {
            return Tensors.toDouble(accumulateLater(vae, pixels, BatchNoise.ofWhole(generator), share));
        }
    }

    /// Adds the gradients of the loss of a process's part of a batch to those of the trainable parameters, without
    /// waiting for the device.
    ///
    /// @param pixels `[B, 3, H, W]`, -1 to 1
    /// @param noise of the part
    /// @param share of the gradients that is added
    /// @return the loss, one number on the device, owned by the caller's scope
    public Tensor accumulateLater(AutoencoderKlFlux2 vae, Tensor pixels, BatchNoise noise, double share) {
        try (Scope scope = new Scope();
                GradMode _ = GradMode.enabled()) {
            Tensor moments = vae.moments(pixels);
            int channels = vae.config().latentChannels();
            Tensor mean = moments.narrow(1, 0, channels);
            Tensor logVariance = Ops.clamp(moments.narrow(1, channels, channels), MIN_LOG_VARIANCE, MAX_LOG_VARIANCE);
            Tensor decoded = vae.reconstruct(noised(mean, noise));
            Tensor loss = reconstruction(decoded, pixels).add(Ops.mul(divergence(mean, logVariance), klWeight));
            if (edgeWeight > 0) {
                loss = loss.add(Ops.mul(edges(decoded, pixels), edgeWeight));
            }
            if (loss.requires_grad()) {
                Ops.mul(loss, share).backward();
            }
            return scope.keep(loss.detach());
        }
    }

    private Tensor noised(Tensor mean, BatchNoise noise) {
        if (latentNoise == 0) {
            return mean;
        }
        return mean.add(noise.normal(mean).mul(Ops.mul(noise.spread(mean.detach()), latentNoise)));
    }

    /// Mean absolute plus mean squared error.
    static Tensor reconstruction(Tensor decoded, Tensor pixels) {
        Tensor error = DType.FLOAT32.cast(decoded).sub(DType.FLOAT32.cast(pixels));
        return error.abs().mean().add(error.square().mean());
    }

    /// Mean absolute error of the steps between neighbours, downwards and to the right, added up.
    static Tensor edges(Tensor decoded, Tensor pixels) {
        Tensor error = DType.FLOAT32.cast(decoded).sub(DType.FLOAT32.cast(pixels));
        return steps(error, 2).add(steps(error, 3));
    }

    private static Tensor steps(Tensor error, int dimension) {
        long last = error.size(dimension) - 1;
        return error.narrow(dimension, 1, last)
                .sub(error.narrow(dimension, 0, last))
                .abs()
                .mean();
    }

    /// `0.5 * (mean^2 + variance - 1 - log variance)`, summed over a picture's latents, averaged over the batch.
    static Tensor divergence(Tensor mean, Tensor logVariance) {
        Tensor terms = mean.square().add(logVariance.exp()).sub(logVariance);
        return Ops.mul(Ops.add(terms, -1).sum(), 0.5 / mean.size(0));
    }
}
