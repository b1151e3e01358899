package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;
import io.stencil.train.options.TrainingOption.OnResume;
import org.jspecify.annotations.Nullable;

/// Options of the loss.
public record ObjectiveOptions(
        @TrainingOption(
                name = "timestep_weighting",
                label = "bell|none",
                help = "How much a timestep counts; none for a base model from nothing.",
                docs = "`bell` as in the reference; `none` counts all timesteps alike",
                byDefault = "bell",
                tasks = {Task.SFT, Task.SFT_DATA_PROCESS, Task.SFT_TRAIN})
        TimestepWeighting timestepWeighting,

        @TrainingOption(
                name = "timestep_sampling",
                label = "uniform|logit_normal|shifted",
                help = "How timesteps are drawn: evenly from the schedule of training, around its middle, or by "
                        + "a shift towards noise.",
                docs = "`uniform` draws timesteps evenly from the schedule of training; `logit_normal` and "
                        + "`shifted` prefer some of them ([below](#timesteps))",
                byDefault = "uniform",
                tasks = {Task.SFT, Task.SFT_DATA_PROCESS, Task.SFT_TRAIN})
        TimestepSampling timestepSampling,

        @TrainingOption(
                name = "logit_mean",
                help = "With --timestep_sampling logit_normal: mean of the logits; above 0 has less noise.",
                docs = "mean of the logits of `logit_normal`; above 0 towards less noise",
                byDefault = "0",
                tasks = {Task.SFT, Task.SFT_DATA_PROCESS, Task.SFT_TRAIN})
        double logitMean,

        @TrainingOption(
                name = "logit_std",
                help = "With --timestep_sampling logit_normal: standard deviation of the logits.",
                docs = "standard deviation of the logits of `logit_normal`",
                byDefault = "1",
                tasks = {Task.SFT, Task.SFT_DATA_PROCESS, Task.SFT_TRAIN})
        double logitStd,

        @TrainingOption(
                name = "timestep_shift",
                help = "With --timestep_sampling shifted: the shift, above 1 towards noise.",
                docs = "shift of `shifted`; above 1 towards noise",
                unset = "by the image's size, as FLUX.2 generates",
                tasks = {Task.SFT, Task.SFT_DATA_PROCESS, Task.SFT_TRAIN})
        @Nullable
        Double timestepShift,

        @TrainingOption(
                name = "min_timestep_boundary",
                label = "0..1",
                help = "Draw timesteps from here on; 0 is all noise.",
                docs = "where the part of the schedule begins that timesteps are drawn from: 0 is its "
                        + "noisiest end. `0.5` trains what details need",
                byDefault = "0",
                tasks = {Task.SFT, Task.SFT_DATA_PROCESS, Task.SFT_TRAIN})
        double minTimestep,

        @TrainingOption(
                name = "max_timestep_boundary",
                label = "0..1",
                help = "Draw timesteps up to here; 1 is no noise.",
                docs = "where that part ends: 1 is the end with least noise",
                byDefault = "1",
                tasks = {Task.SFT, Task.SFT_DATA_PROCESS, Task.SFT_TRAIN})
        double maxTimestep,

        @TrainingOption(
                name = "caption_dropout",
                label = "P",
                help = "Share of samples that go without their prompt.",
                docs = "share of samples without their prompt, for classifier-free guidance",
                byDefault = "0",
                tasks = {Task.SFT, Task.SFT_DATA_PROCESS, Task.SFT_TRAIN})
        double captionDropout,

        @TrainingOption(
                name = "cache_encodings",
                help = "Keep latents and prompt embeddings in memory after their first use.",
                docs = "latents, prompt embeddings and a Template's processed inputs stay in memory after "
                        + "their first use. For 20,000 images of 64 x 64 that is 0.2 GB",
                tasks = {Task.SFT, Task.SFT_DATA_PROCESS, Task.SFT_TRAIN},
                onResume = OnResume.FREE)
        boolean cacheEncodings,

        @TrainingOption(
                name = "latent_noise",
                help = "With --task vae: noise on the latents, in their own deviations.",
                docs = "VAE: noise that the decoder must bear, in standard deviations of the latents",
                byDefault = "0.1",
                tasks = Task.VAE)
        double latentNoise,

        @TrainingOption(
                name = "kl_weight",
                help = "With --task vae: weight of the divergence.",
                docs = "VAE: weight of the divergence, summed over an image's latents",
                byDefault = "1e-5",
                tasks = Task.VAE)
        double klWeight,

        @TrainingOption(
                name = "edge_weight",
                help = "With --task vae: weight of the error of edges.",
                docs = "VAE: weight of the error of the steps between neighbouring pixels, which blurred "
                        + "edges cost",
                byDefault = "0",
                tasks = Task.VAE)
        double edgeWeight) {

    /// @throws InvalidRequestException naming the option that cannot be used
    public ObjectiveOptions {
        var _ = new TimestepRange(minTimestep, maxTimestep);
        requireSampling(timestepSampling, logitMean, logitStd, timestepShift);
        if (!(captionDropout >= 0 && captionDropout <= 1)) {
            throw new InvalidRequestException("caption_dropout", "must be between 0 and 1, found " + captionDropout);
        }
        requireNotNegative("latent_noise", latentNoise);
        requireNotNegative("kl_weight", klWeight);
        requireNotNegative("edge_weight", edgeWeight);
    }

    /// The part of the schedule that timesteps are drawn from.
    public TimestepRange timesteps() {
        return new TimestepRange(minTimestep, maxTimestep);
    }

    private static void requireSampling(TimestepSampling sampling, double mean, double std, @Nullable Double shift) {
        if (sampling != TimestepSampling.LOGIT_NORMAL && (mean != 0 || std != 1)) {
            throw new InvalidRequestException(
                    mean == 0 ? "logit_std" : "logit_mean", "needs --timestep_sampling logit_normal");
        }
        if (sampling != TimestepSampling.SHIFTED && shift != null) {
            throw new InvalidRequestException("timestep_shift", "needs --timestep_sampling shifted");
        }
        if (!Double.isFinite(mean)) {
            throw new InvalidRequestException("logit_mean", "must be a finite number, found " + mean);
        }
        OptimisationOptions.requireAboveZero("logit_std", std);
        if (shift != null) {
            OptimisationOptions.requireAboveZero("timestep_shift", shift);
        }
    }

    private static void requireNotNegative(String option, double value) {
        if (!(value >= 0 && Double.isFinite(value))) {
            throw new InvalidRequestException(option, "must be a number of at least 0, found " + value);
        }
        OptimisationOptions.requireFloat32(option, value);
    }

    /// The part of the training schedule that timesteps are drawn from, as shares of it. 0 is its noisiest end, 1 its
    /// end with least noise.
    ///
    /// @param min where the part begins
    /// @param max where it ends
    public record TimestepRange(double min, double max) {

        public static final TimestepRange ALL = new TimestepRange(0, 1);

        /// @throws InvalidRequestException naming the boundary that cannot be used
        public TimestepRange {
            requireShare("min_timestep_boundary", min);
            requireShare("max_timestep_boundary", max);
            if (max <= min) {
                throw new InvalidRequestException(
                        "max_timestep_boundary",
                        "must be above min_timestep_boundary %s, found %s".formatted(min, max));
            }
        }

        private static void requireShare(String option, double value) {
            if (!(value >= 0 && value <= 1)) {
                throw new InvalidRequestException(option, "must be between 0 and 1, found " + value);
            }
        }

        /// @param steps of the whole schedule
        /// @return index of the first timestep that may be drawn
        public int first(int steps) {
            return Math.min((int) (min * steps), steps - 1);
        }

        /// @param steps of the whole schedule
        /// @return how many timesteps there are to draw from, at least 1
        public int count(int steps) {
            return Math.max(1, (int) (max * steps) - first(steps));
        }
    }

    /// How timesteps are drawn.
    public enum TimestepSampling {
        /// Evenly from the schedule of training.
        UNIFORM("uniform"),
        /// By a normal distribution of the logits of the place in the schedule (Esser et al. 2024, arXiv:2403.03206).
        LOGIT_NORMAL("logit_normal"),
        /// By noise levels that are drawn evenly and then shifted.
        SHIFTED("shifted");

        private final String option;

        TimestepSampling(String option) {
            this.option = option;
        }

        /// As on the command line.
        public String option() {
            return option;
        }
    }

    /// How much a timestep's error counts in the loss, however timesteps are drawn.
    public enum TimestepWeighting {
        /// By a bell around the middle of the way, as the reference implementation trains.
        BELL("bell"),
        /// All alike: what a base model learns from nothing with.
        NONE("none");

        private final String option;

        TimestepWeighting(String option) {
            this.option = option;
        }

        /// As on the command line.
        public String option() {
            return option;
        }
    }
}
