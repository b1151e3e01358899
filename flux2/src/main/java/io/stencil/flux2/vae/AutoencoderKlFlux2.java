package io.stencil.flux2.vae;

import io.stencil.error.InvalidRequestException;
import io.stencil.nn.Conv2d;
import io.stencil.nn.Initializer;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;

/// The VAE of FLUX.2 (Kingma and Welling 2014, arXiv:1312.6114, with the architecture of latent diffusion,
/// Rombach et al. 2022, arXiv:2112.10752).
///
/// ```java
/// try (Scope _ = new Scope(); AutoencoderKlFlux2 vae = new AutoencoderKlFlux2(VaeConfig.flux2())) {
///     loader.load(vae, SafetensorsFile.open(weights));
///     Tensor latents = vae.encode(pixels);
/// }
/// ```
/// Everything is computed in the dtype of the input and on its device, which must be that of the weights. Gradients
/// flow through both directions; switch them off with [GradMode][io.stencil.autograd.GradMode] to free each layer's
/// result early.
public final class AutoencoderKlFlux2 extends Module {

    /// Pixels of an image's side for each latent.
    public static final int PIXELS_PER_LATENT = 16;

    private final VaeConfig config;
    private final Encoder encoder;
    private final Decoder decoder;
    private final Conv2d quantConv;
    private final Conv2d postQuantConv;
    private final LatentStatistics statistics;

    public AutoencoderKlFlux2(VaeConfig config) {
        this.config = config;
        int latentChannels = config.latentChannels();
        encoder = module("encoder", new Encoder(config));
        decoder = module("decoder", new Decoder(config));
        quantConv = module("quant_conv", new Conv2d(2L * latentChannels, 2L * latentChannels, 1));
        postQuantConv = module("post_quant_conv", new Conv2d(latentChannels, latentChannels, 1));
        statistics = module("bn", new LatentStatistics(config.foldedChannels(), config.batchNormEps()));
    }

    /// The mean of the latents' distribution, normalised; nothing is sampled.
    ///
    /// @param pixels `[B, 3, H, W]`, -1 to 1; both sides multiples of 16
    /// @return `[B, 128, H/16, W/16]`, owned by the caller's scope
    /// @throws InvalidRequestException when `pixels` is of another shape
    public Tensor encode(Tensor pixels) {
        try (OpenPass _ = openPass();
                Scope scope = new Scope()) {
            Tensor mean = moments(pixels).narrow(1, 0, config.latentChannels());
            return scope.keep(statistics.normalize(fold(mean)));
        }
    }

    /// The latents' distribution as it is trained: neither folded nor normalised.
    ///
    /// @param pixels as for [#encode]
    /// @return `[B, 64, H/8, W/8]`, mean and then logarithm of the variance, owned by the caller's scope
    public Tensor moments(Tensor pixels) {
        checkPixels(pixels);
        try (OpenPass _ = openPass();
                Scope scope = new Scope()) {
            return scope.keep(quantConv.forward(encoder.forward(pixels)));
        }
    }

    /// The image of latents as they are trained, the counterpart of [#moments].
    ///
    /// @param latents `[B, 32, H/8, W/8]`, neither folded nor normalised
    /// @return `[B, 3, H, W]`, owned by the caller's scope
    public Tensor reconstruct(Tensor latents) {
        try (OpenPass _ = openPass();
                Scope scope = new Scope()) {
            return scope.keep(decoder.forward(postQuantConv.forward(latents)));
        }
    }

    /// Means of the latents' distribution before they are normalised: what [#setStatistics] takes its numbers from.
    ///
    /// @param pixels as for [#encode]
    /// @return `[B, 128, H/16, W/16]`, owned by the caller's scope
    public Tensor foldedMeans(Tensor pixels) {
        try (OpenPass _ = openPass();
                Scope scope = new Scope()) {
            return scope.keep(fold(moments(pixels).narrow(1, 0, config.latentChannels())));
        }
    }

    /// Sets the mean and the variance that latents are normalised by, one number for each of the 128 channels.
    public void setStatistics(float[] mean, float[] variance) {
        statistics.set(mean, variance);
    }

    public VaeConfig config() {
        return config;
    }

    /// The image of normalised latents.
    ///
    /// @param latents `[B, 128, h, w]`
    /// @return `[B, 3, 16h, 16w]`, about -1 to 1 but not clipped, owned by the caller's scope
    /// @throws InvalidRequestException when `latents` is of another shape
    public Tensor decode(Tensor latents) {
        checkLatents(latents);
        try (OpenPass _ = openPass();
                Scope scope = new Scope()) {
            return scope.keep(reconstruct(unfold(statistics.restore(latents)))); // from [B, 32, 2h, 2w]
        }
    }

    /// [#encode] in tiles, for images whose activations would not fit in memory; the same as [#encode] for a
    /// image that fits in one tile.
    ///
    /// Each tile is normalised and attends within itself, so that the latents of a larger image are close to
    /// those of [#encode] and not the same.
    public Tensor encodeTiled(Tensor pixels, Tiling tiling) {
        checkPixels(pixels);
        return new TiledPass(tiling, PIXELS_PER_LATENT, 1, config.foldedChannels()).run(pixels, this::encode);
    }

    /// [#decode] in tiles; what holds for [#encodeTiled] holds here.
    public Tensor decodeTiled(Tensor latents, Tiling tiling) {
        checkLatents(latents);
        return new TiledPass(tiling, 1, PIXELS_PER_LATENT, 3).run(latents, this::decode);
    }

    private static void checkPixels(Tensor pixels) {
        if (pixels.dim() != 4 || pixels.size(1) != 3) {
            throw new InvalidRequestException(
                    "pixels", "expected [B, 3, H, W], found " + Arrays.toString(Tensors.shape(pixels)));
        }
        long height = pixels.size(2);
        long width = pixels.size(3);
        if (height < 1 || width < 1 || height % PIXELS_PER_LATENT != 0 || width % PIXELS_PER_LATENT != 0) {
            throw new InvalidRequestException(
                    "pixels",
                    "both sides of the image must be multiples of %s, found %s x %s (height x width)"
                            .formatted(PIXELS_PER_LATENT, height, width));
        }
    }

    private void checkLatents(Tensor latents) {
        if (latents.dim() != 4
                || latents.size(1) != config.foldedChannels()
                || latents.size(2) < 1
                || latents.size(3) < 1) {
            throw new InvalidRequestException(
                    "latents",
                    "expected [B, %s, H/16, W/16], found %s"
                            .formatted(config.foldedChannels(), Arrays.toString(Tensors.shape(latents))));
        }
    }

    /// Folds 2 x 2 neighbours into channels (Shi et al. 2016, arXiv:1609.05158), channel order (C, row, column).
    ///
    /// @param x `[B, C, 2h, 2w]`
    /// @return `[B, 4C, h, w]`
    private static Tensor fold(Tensor x) {
        long batch = x.size(0);
        long channels = x.size(1);
        long height = x.size(2) / 2;
        long width = x.size(3) / 2;
        return x.reshape(batch, channels, height, 2, width, 2)
                .permute(0, 1, 3, 5, 2, 4)
                .reshape(batch, channels * 4, height, width);
    }

    /// The inverse of [#fold].
    ///
    /// @param x `[B, 4C, h, w]`
    /// @return `[B, C, 2h, 2w]`
    private static Tensor unfold(Tensor x) {
        long batch = x.size(0);
        long channels = x.size(1) / 4;
        long height = x.size(2);
        long width = x.size(3);
        return x.reshape(batch, channels, 2, 2, height, width)
                .permute(0, 1, 4, 2, 5, 3)
                .reshape(batch, channels, height * 2, width * 2);
    }

    /// Mean and variance of each channel of the latents, found when the VAE was trained (the statistics of a batch
    /// normalisation, Ioffe and Szegedy 2015, arXiv:1502.03167).
    ///
    /// Computed in float32: `variance + eps` would round to the variance in bfloat16.
    private static final class LatentStatistics extends Module {

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
}
