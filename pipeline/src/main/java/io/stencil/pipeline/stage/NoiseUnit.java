package io.stencil.pipeline.stage;

import io.stencil.image.ImageSize;
import io.stencil.pipeline.unit.PipelineUnit;
import io.stencil.pipeline.unit.PortAccess;
import io.stencil.pipeline.unit.UnitDeclaration;
import io.stencil.tensor.DType;
import io.stencil.tensor.TorchGenerator;
import java.util.Set;

/// Draws the noise from the seed, on the CPU and in the pipeline's dtype, where none is given.
///
/// @param dtype in which the numbers are drawn: it decides them
public record NoiseUnit(DType dtype) implements PipelineUnit {

    @Override
    public UnitDeclaration declaration() {
        return new UnitDeclaration(
                "noise", Sides.SHARED, Set.of(Ports.SIZE, Ports.SEED, Ports.NOISE), Set.of(Ports.NOISE), Set.of());
    }

    @Override
    public void run(PortAccess ports) {
        if (ports.find(Ports.NOISE).isPresent()) {
            return;
        }
        ImageSize size = ports.get(Ports.SIZE);
        try (TorchGenerator generator = new TorchGenerator(ports.get(Ports.SEED))) {
            ports.set(Ports.NOISE, generator.randn(dtype, 1, 128, size.height() / 16, size.width() / 16));
        }
    }
}
