package io.stencil.template.image;

import org.bytedeco.pytorch.Tensor;

/// An image and a prompt as the base model's own encoders see them.
///
/// @param latents of the image, `[1, 128, H/16, W/16]`, or more channels where a Template has put some behind
/// @param prompt `[1, St, joint]`
public record EncodedImage(Tensor latents, Tensor prompt) {}
