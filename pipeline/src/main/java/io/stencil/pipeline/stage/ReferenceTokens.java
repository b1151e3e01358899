package io.stencil.pipeline.stage;

import io.stencil.flux2.transformer.ImageTokens;
import java.util.List;

/// Latents of the edit images as tokens, in the order of the images.
public record ReferenceTokens(List<ImageTokens> images) {

    public ReferenceTokens {
        images = List.copyOf(images);
    }

    public static ReferenceTokens none() {
        return new ReferenceTokens(List.of());
    }
}
