package io.stencil.train.step;

import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.pipeline.Conditioning;
import io.stencil.tensor.OwnedTensor;
import java.util.List;
import java.util.Objects;

/// Encoded images of a row, in memory that lives until closed, whatever scope they were made in.
///
/// @param latents `[1, 128, H/16, W/16]`
record OwnedImages(OwnedTensor latents, List<Reference> references) implements AutoCloseable {

    /// An edit image's tokens.
    private record Reference(OwnedTensor latents, OwnedTensor ids) {}

    static OwnedImages of(Conditioning.Images images) {
        return new OwnedImages(
                new OwnedTensor(Objects.requireNonNull(images.latents())),
                images.references().stream()
                        .map(image -> new Reference(new OwnedTensor(image.latents()), new OwnedTensor(image.ids())))
                        .toList());
    }

    Conditioning.Images get() {
        return new Conditioning.Images(
                latents.get(),
                references.stream()
                        .map(image -> new ImageTokens(
                                image.latents().get(), image.ids().get()))
                        .toList());
    }

    @Override
    public void close() {
        latents.close();
        references.forEach(image -> {
            image.latents().close();
            image.ids().close();
        });
    }
}
