package io.stencil.cli.train;

import io.stencil.cli.models.BaseModelOptions;
import io.stencil.tensor.DType;
import io.stencil.train.options.TimestepRange;
import io.stencil.train.options.TimestepWeighting;
import io.stencil.train.options.TrainOptionsBuilder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// The options of `stencil train` that matter most where a base model is trained.
public final class BaseTrainingOptions {

    @Option(
            names = "--batch_size",
            paramLabel = "N",
            description = "Samples of a step, of one picture size. Default: ${DEFAULT-VALUE}.")
    private int batchSize = 1;

    @Option(
            names = "--max_steps",
            paramLabel = "N",
            description = "Length of the training in steps, in place of --num_epochs.")
    private @Nullable Integer maxSteps;

    @Option(
            names = "--warmup_steps",
            paramLabel = "N",
            description = "Updates through which the learning rate rises. Default: as the scheduler begins.")
    private @Nullable Integer warmupSteps;

    @Option(names = "--max_grad_norm", paramLabel = "N", description = "Clip the gradient. Default: no clipping.")
    private @Nullable Double maxGradNorm;

    @Option(
            names = "--ema_decay",
            paramLabel = "N",
            description = "Save an average of the weights that keeps this share of itself, such as 0.999.")
    private @Nullable Double emaDecay;

    @Option(
            names = "--save_raw_weights",
            description = "With --ema_decay: save the weights too, as NAME.raw.safetensors.")
    private boolean saveRawWeights;

    @Option(
            names = "--save_dtype",
            paramLabel = "float32|bfloat16",
            converter = BaseModelOptions.ComputeDtype.class,
            description = "Of checkpoints. Default: float32.")
    private DType saveDtype = DType.FLOAT32;

    @Option(
            names = "--timestep_weighting",
            paramLabel = "bell|none",
            description = "How much a timestep counts; none for a base model from nothing. Default: ${DEFAULT-VALUE}.")
    private String timestepWeighting = "bell";

    @Option(
            names = "--min_timestep_boundary",
            paramLabel = "0..1",
            description = "Draw timesteps from here on; 0 is all noise. Default: ${DEFAULT-VALUE}.")
    private double minTimestepBoundary;

    @Option(
            names = "--max_timestep_boundary",
            paramLabel = "0..1",
            description = "Draw timesteps up to here; 1 is no noise. Default: ${DEFAULT-VALUE}.")
    private double maxTimestepBoundary = 1;

    @Option(
            names = "--caption_dropout",
            paramLabel = "P",
            description = "Share of samples that go without their prompt. Default: ${DEFAULT-VALUE}.")
    private double captionDropout;

    @Option(
            names = "--cache_encodings",
            description = "Keep latents and prompt embeddings in memory after their first use.")
    private boolean cacheEncodings;

    @Option(
            names = "--latent_noise",
            paramLabel = "N",
            description = "With --task vae: noise on the latents, in their own deviations. Default: ${DEFAULT-VALUE}.")
    private double latentNoise = 0.1;

    @Option(
            names = "--kl_weight",
            paramLabel = "N",
            description = "With --task vae: weight of the divergence. Default: ${DEFAULT-VALUE}.")
    private double klWeight = 1e-5;

    @Option(
            names = "--edge_weight",
            paramLabel = "N",
            description = "With --task vae: weight of the error of edges. Default: ${DEFAULT-VALUE}.")
    private double edgeWeight;

    /// @throws io.stencil.error.InvalidRequestException when the weighting is not known, or a boundary cannot be
    ///     used
    public void applyTo(TrainOptionsBuilder options) {
        options.batchSize(batchSize)
                .maxSteps(maxSteps)
                .warmupSteps(warmupSteps)
                .maxGradNorm(maxGradNorm)
                .emaDecay(emaDecay)
                .saveRawWeights(saveRawWeights)
                .saveDtype(saveDtype)
                .timestepWeighting(TimestepWeighting.parse(timestepWeighting))
                .timesteps(new TimestepRange(minTimestepBoundary, maxTimestepBoundary))
                .captionDropout(captionDropout)
                .cacheEncodings(cacheEncodings)
                .latentNoise(latentNoise)
                .klWeight(klWeight)
                .edgeWeight(edgeWeight);
    }
}
