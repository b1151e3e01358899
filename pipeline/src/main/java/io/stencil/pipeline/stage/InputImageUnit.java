package io.stencil.pipeline.stage;

import io.stencil.image.CoverCrop;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.pipeline.unit.PipelineUnit;
import io.stencil.pipeline.unit.PortAccess;
import io.stencil.pipeline.unit.UnitDeclaration;
import java.util.Set;

/// Encodes the input image, resized and cropped to the size of the picture.
public record InputImageUnit(ModelSet models) implements PipelineUnit {

    @Override
    public UnitDeclaration declaration() {
        return new UnitDeclaration(
                "input image",
                Sides.SHARED,
                Set.of(Ports.INPUT_IMAGE, Ports.SIZE),
                Set.of(Ports.INPUT_LATENTS),
                Set.of(ModelRole.VAE));
    }

    @Override
    public void run(PortAccess ports) {
        ports.find(Ports.INPUT_IMAGE)
                .ifPresent(image ->
                        ports.set(Ports.INPUT_LATENTS, models.encode(CoverCrop.to(ports.get(Ports.SIZE), image))));
    }
}
