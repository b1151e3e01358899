package io.stencil.pipeline.stage;

import io.stencil.image.ImageSize;
import io.stencil.image.Mask;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.pipeline.unit.PipelineUnit;
import io.stencil.pipeline.unit.PortAccess;
import io.stencil.pipeline.unit.UnitDeclaration;
import io.stencil.tensor.Tensors;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/// Resizes the inpainting mask to the latents, and blurs it where the request sets a blur.
public record InpaintUnit(ModelSet models) implements PipelineUnit {

    @Override
    public UnitDeclaration declaration() {
        return new UnitDeclaration(
                "inpaint mask", Sides.SHARED, Set.of(Ports.INPAINT, Ports.SIZE), Set.of(Ports.INPAINT_MASK), Set.of());
    }

    @Override
    public void run(PortAccess ports) {
        ports.find(Ports.INPAINT)
                .ifPresent(inpaint -> ports.set(Ports.INPAINT_MASK, mask(inpaint, ports.get(Ports.SIZE))));
    }

    private Tensor mask(Inpaint inpaint, ImageSize size) {
        ImageSize latentSize = new ImageSize(size.width() / 16, size.height() / 16);
        Mask mask = Mask.of(inpaint.mask(), latentSize);
        if (inpaint.blurSize() > 0) {
            mask = mask.blurred(inpaint.blurSize(), inpaint.blurSigma());
        }
        float[] values = mask.values();
        return models.device().place(Tensors.of(values, 1, values.length, 1));
    }
}
