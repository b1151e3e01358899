package io.stencil.train.step;

import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.pipeline.stage.Ports;
import io.stencil.pipeline.stage.ReferenceTokens;
import io.stencil.pipeline.unit.PortValues;
import io.stencil.tensor.OwnedTensor;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// What the VAE made of a row's pictures, in memory that lives until closed, whatever scope it was made in.
///
/// @param latents `[1, 128, H/16, W/16]`
record OwnedPicture(OwnedTensor latents, List<Reference> references) implements AutoCloseable {

    /// An edit image's tokens.
    private record Reference(OwnedTensor latents, OwnedTensor ids) {}

    static OwnedPicture of(Tensor latents, List<ImageTokens> references) {
        return new OwnedPicture(
                new OwnedTensor(latents),
                references.stream()
                        .map(one -> new Reference(new OwnedTensor(one.latents()), new OwnedTensor(one.ids())))
                        .toList());
    }

    /// Sets the ports that the VAE's units would.
    void putInto(PortValues shared) {
        shared.set(Ports.INPUT_LATENTS, latents.get())
                .set(
                        Ports.REFERENCES,
                        new ReferenceTokens(references.stream()
                                .map(one -> new ImageTokens(
                                        one.latents().get(), one.ids().get()))
                                .toList()));
    }

    @Override
    public void close() {
        latents.close();
        references.forEach(one -> {
            one.latents().close();
            one.ids().close();
        });
    }
}
