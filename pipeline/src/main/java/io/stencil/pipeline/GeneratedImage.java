package io.stencil.pipeline;

import io.stencil.image.RgbImage;

/// What a generation gives, free of native memory.
///
/// @param latents the clean latents before the VAE; what an overlay laid over the picture is not in them
public record GeneratedImage(RgbImage image, Latents latents) {}
