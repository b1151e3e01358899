package io.stencil.train;

import io.stencil.autograd.GradMode;
import io.stencil.distributed.ProcessGroup;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.flux2.vae.PixelConversion;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.train.checkpoint.TrainableParts;
import io.stencil.train.data.BatchSampler;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.Prefetch;
import io.stencil.train.data.Sample;
import io.stencil.train.options.ObjectiveOptions;
import io.stencil.train.options.TrainOptions;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Trains a VAE by the images that it reconstructs.
final class ReconstructionObjective implements Objective {

    private static final int MEASURED_TOGETHER = 16;

    private final Dataset dataset;
    private final Prefetch<Sample.Content> content;
    private final ModelSet models;
    private final AutoencoderKlFlux2 vae;
    private final VaeLoss loss;
    private final ProcessGroup group;
    private final Generators generators;
    private final boolean latentsChange;

    /// All arguments stay the caller's.
    ///
    /// @param parts of the VAE that are trained
    ReconstructionObjective(
            TrainOptions options,
            Generators generators,
            TrainingData data,
            ModelSet models,
            TrainableParts parts,
            ProcessGroup group) {
        this.content = data.content(null, options.data().workers(), generators.seed());
        this.generators = generators;
        this.latentsChange = parts.changeLatents();
        this.group = group;
        this.dataset = data.dataset();
        this.models = models;
        this.vae = models.requireVae();
        this.loss = VaeLoss.of(options.objective());
    }

    @Override
    public int ahead() {
        return content.ahead();
    }

    @Override
    public void expect(List<DatasetRow> rows) {
        content.expect(rows);
    }

    @Override
    public Tensor accumulate(BatchSampler.LocalBatch batch, long step, double share) {
        VaeLoss.BatchNoise noise =
                new VaeLoss.BatchNoise(generators.noise(), group, batch.before(), batch.after(), batch.weight() > 0);
        try (Scope scope = new Scope()) {
            return scope.keep(loss.accumulateLater(vae, pixels(batch.rows()), noise, share));
        }
    }

    /// Measures the latents of the whole dataset and puts their statistics into the VAE, where training changes them.
    @Override
    public void beforeSaving() {
        if (!latentsChange) {
            return;
        }
        LatentMeasurement measurement = new LatentMeasurement(vae);
        BatchSampler.Order order = new BatchSampler.Order(dataset.rows().size(), 1, false, 0);
        BatchSampler batches = BatchSampler.of(dataset, order, MEASURED_TOGETHER);
        int count = batches.epochLength();
        for (int batch = 0; batch < count; batch++) {
            List<DatasetRow> measured = batches.localBatch(0, batch).rows();
            content.expect(batches.upcoming(0, batch, (long) count - batch, measured.size() + content.ahead()));
            try (Scope _ = new Scope()) {
                measurement.add(pixels(measured));
            }
        }
        measurement.apply();
    }

    /// @return `[B, 3, H, W]`, owned by the caller's scope
    private Tensor pixels(List<DatasetRow> batch) {
        try (Scope scope = new Scope()) {
            List<Tensor> images = batch.stream()
                    .map(row -> content.get(row).image())
                    .map(ReconstructionObjective::pixels)
                    .toList();
            return scope.keep(models.device().place(Ops.cat(0, images), models.compute()));
        }
    }

    /// @return `[1, 3, H, W]`, -1 to 1, on the CPU
    static Tensor pixels(RgbImage image) {
        return PixelConversion.pixelsFromBytes(image.rgb(), image.height(), image.width());
    }

    @Override
    public void close() {
        content.close();
    }

    /// Measures mean and variance of each channel of a VAE's folded latents over many images, by which FLUX.2
    /// normalises them.
    ///
    /// They are the running statistics of a batch normalisation (Ioffe and Szegedy 2015, arXiv:1502.03167) that has
    /// seen each image once; the variance is the unbiased one. Summed in float64.
    static final class LatentMeasurement {

        private final AutoencoderKlFlux2 vae;
        private final double[] sum;
        private final double[] squares;
        private long count;

        /// @param vae stays the caller's
        LatentMeasurement(AutoencoderKlFlux2 vae) {
            this.vae = vae;
            this.sum = new double[vae.config().foldedChannels()];
            this.squares = new double[sum.length];
        }

        /// Adds images.
        ///
        /// @param pixels `[B, 3, H, W]`, -1 to 1
        void add(Tensor pixels) {
            try (Scope _ = new Scope();
                    GradMode _ = GradMode.disabled()) {
                Tensor rows = DType.FLOAT64
                        .cast(vae.foldedMeans(pixels))
                        .transpose(0, 1)
                        .flatten(1, 3); // [128, B * h * w]
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
        void apply() {
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

    /// Computes the loss of a VAE: images are to be reconstructed from latents that are small and bear some noise.
    ///
    /// The loss is the mean absolute error plus the mean squared error of the pixels, the mean absolute error of the
    /// steps from each pixel to the next (which blurred edges and rounded corners cost dearly; the gradient
    /// difference loss of Mathieu et al. 2016, arXiv:1511.05440, of signed steps), and the Kullback-Leibler
    /// divergence of the latents from the standard normal distribution, summed over an image's latents and averaged
    /// over the batch (Kingma and Welling 2014, arXiv:1312.6114; weighted low as in Rombach et al. 2022,
    /// arXiv:2112.10752). The decoder sees the means with noise in proportion to their own spread, and not a draw
    /// from the distribution: a model this small learns nothing under the full noise.
    ///
    /// @param latentNoise standard deviation of the noise, in units of that of each channel in the batch
    /// @param klWeight of the divergence
    /// @param edgeWeight of the steps' error; 0 leaves it out
    record VaeLoss(double latentNoise, double klWeight, double edgeWeight) {

        /// Logarithms of the variance are clipped to this range, as is customary.
        private static final double MIN_LOG_VARIANCE = -30;
        private static final double MAX_LOG_VARIANCE = 20;

        static VaeLoss of(ObjectiveOptions options) {
            return new VaeLoss(options.latentNoise(), options.klWeight(), options.edgeWeight());
        }

        /// Adds the gradients of the loss of a process's part of a batch to those of the trainable parameters, without
        /// waiting for the device.
        ///
        /// @param pixels `[B, 3, H, W]`, -1 to 1
        /// @param noise of the part
        /// @param share of the gradients that is added
        /// @return the loss, one number on the device, owned by the caller's scope
        Tensor accumulateLater(AutoencoderKlFlux2 vae, Tensor pixels, BatchNoise noise, double share) {
            try (Scope scope = new Scope();
                    GradMode _ = GradMode.enabled()) {
                Tensor loss = compute(vae, pixels, noise);
                if (loss.requires_grad()) {
                    Ops.mul(loss, share).backward();
                }
                return scope.keep(loss.detach());
            }
        }

        /// Computes the loss, differentiable where gradients are enabled.
        ///
        /// @param pixels `[B, 3, H, W]`, -1 to 1
        /// @return one number on the device, owned by the caller's scope
        Tensor compute(AutoencoderKlFlux2 vae, Tensor pixels, BatchNoise noise) {
            Tensor moments = vae.moments(pixels);
            int channels = vae.config().latentChannels();
            Tensor mean = moments.narrow(1, 0, channels);
            Tensor logVariance = Ops.clamp(moments.narrow(1, channels, channels), MIN_LOG_VARIANCE, MAX_LOG_VARIANCE);
            Tensor decoded = vae.reconstruct(noised(mean, noise));
            Tensor loss = reconstruction(decoded, pixels).add(Ops.mul(divergence(mean, logVariance), klWeight));
            return edgeWeight > 0 ? loss.add(Ops.mul(edges(decoded, pixels), edgeWeight)) : loss;
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

        /// `0.5 * (mean^2 + variance - 1 - log variance)`, summed over an image's latents, averaged over the batch.
        static Tensor divergence(Tensor mean, Tensor logVariance) {
            Tensor terms = mean.square().add(logVariance.exp()).sub(logVariance);
            return Ops.mul(Ops.add(terms, -1).sum(), 0.5 / mean.size(0));
        }

        /// The noise of a process's part of a batch: the numbers are those that one process would draw for the whole
        /// batch, and spread is measured over the whole batch.
        ///
        /// @param generator in the same state in all processes; stays the caller's
        /// @param group of the processes; null for a batch that is whole
        /// @param before samples of the batch that lie before this part
        /// @param after samples of the batch that lie after this part
        /// @param counts whether this part is one of the batch, and not taken for want of one
        record BatchNoise(
                TorchGenerator generator, @Nullable ProcessGroup group, int before, int after, boolean counts) {

            /// Standard normal numbers.
            ///
            /// @param mean `[B, C, h, w]`
            Tensor normal(Tensor mean) {
                long[] shape = Tensors.shape(mean);
                long own = shape[0];
                shape[0] = before + own + after;
                Tensor drawn = generator.randn(DType.FLOAT32, shape).narrow(0, before, own);
                return Device.of(mean).place(drawn, DType.of(mean));
            }

            /// Standard deviation of each channel in the batch.
            ///
            /// @param mean `[B, C, h, w]`, without gradients
            /// @return `[1, C, 1, 1]`
            Tensor spread(Tensor mean) {
                if (group == null || group.size() == 1) {
                    return mean.std(new long[] {0, 2, 3}, false, true);
                }
                Tensor rows = DType.FLOAT64.cast(mean).transpose(0, 1).flatten(1, 3); // [C, B * h * w]
                Tensor counted = Tensors.full((double) rows.size(1), DType.FLOAT64, Device.of(mean), rows.size(0));
                Tensor sums = Ops.mul(
                        Ops.cat(
                                0,
                                rows.sum(1).reshape(1, -1),
                                rows.square().sum(1).reshape(1, -1),
                                counted.reshape(1, -1)),
                        counts ? 1.0 : 0.0);
                group.sum(sums);
                Tensor count = sums.narrow(0, 2, 1);
                Tensor average = sums.narrow(0, 0, 1).div(count);
                Tensor variance = Ops.clamp(sums.narrow(0, 1, 1).div(count).sub(average.square()), 0, Double.MAX_VALUE);
                return DType.of(mean).cast(variance.sqrt()).reshape(1, -1, 1, 1);
            }
        }
    }
}
