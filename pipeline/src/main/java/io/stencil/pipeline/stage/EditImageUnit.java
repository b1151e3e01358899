package io.stencil.pipeline.stage;

import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.flux2.transformer.TokenIds;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.pipeline.unit.PipelineUnit;
import io.stencil.pipeline.unit.PortAccess;
import io.stencil.pipeline.unit.UnitDeclaration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/// Encodes the edit images; number i gets the ids (10 + 10 i, row, column, 0).
public record EditImageUnit(ModelSet models) implements PipelineUnit {

    @Override
    public UnitDeclaration declaration() {
        return new UnitDeclaration(
                "edit images",
                Sides.SHARED,
                Set.of(Ports.EDIT_IMAGES),
                Set.of(Ports.REFERENCES),
                Set.of(ModelRole.VAE));
    }

    @Override
    public void run(PortAccess ports) {
        ports.find(Ports.EDIT_IMAGES).ifPresent(edit -> ports.set(Ports.REFERENCES, encode(edit)));
    }

    private ReferenceTokens encode(EditImages edit) {
        List<ImageTokens> tokens = new ArrayList<>();
        for (RgbImage sized : edit.sized()) {
            Tensor latents = models.encode(sized);
            Tensor ids = TokenIds.reference(tokens.size(), sized.height() / 16, sized.width() / 16);
            tokens.add(new ImageTokens(LatentTokens.fromPicture(latents), ids));
        }
        return new ReferenceTokens(tokens);
    }
}
