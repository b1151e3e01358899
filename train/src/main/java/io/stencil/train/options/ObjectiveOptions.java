package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;

/// What the loss is made of.
///
/// @param timestepWeighting how much each timestep counts
/// @param timesteps from which they are drawn, evenly
/// @param captionDropout share of samples whose prompt is left empty, 0 up to 1: classifier-free guidance needs a model
///     that knows pictures without a prompt
/// @param cacheEncodings keeps latents and prompt embeddings in memory after their first use
/// @param latentNoise of a VAE's training: standard deviation of the noise that the decoder must bear, in units of the
///     latents' own
/// @param klWeight of a VAE's training
/// @param edgeWeight of a VAE's training: weight of the error of the steps between neighbouring pixels
public record ObjectiveOptions(
        TimestepWeighting timestepWeighting,
        TimestepRange timesteps,
        double captionDropout,
        boolean cacheEncodings,
        double latentNoise,
        double klWeight,
        double edgeWeight) {

    /// @throws InvalidRequestException naming the option that cannot be used
    public ObjectiveOptions {
        if (!(captionDropout >= 0 && captionDropout <= 1)) {
            throw new InvalidRequestException("caption_dropout", "must be between 0 and 1, found " + captionDropout);
        }
        requireNotNegative("latent_noise", latentNoise);
        requireNotNegative("kl_weight", klWeight);
        requireNotNegative("edge_weight", edgeWeight);
    }

    private static void requireNotNegative(String option, double value) {
        if (!(value >= 0 && Double.isFinite(value))) {
            throw new InvalidRequestException(option, "must be a number of at least 0, found " + value);
        }
        OptimisationOptions.requireFloat32(option, value);
    }
}
