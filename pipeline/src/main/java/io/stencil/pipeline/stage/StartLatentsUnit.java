package io.stencil.pipeline.stage;

import io.stencil.flux2.schedule.FlowMatchSchedule;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.pipeline.unit.PipelineUnit;
import io.stencil.pipeline.unit.PortAccess;
import io.stencil.pipeline.unit.UnitDeclaration;
import io.stencil.tensor.DType;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/// Decides where denoising starts: at pure noise, or at the input image noised to the first timestep.
public record StartLatentsUnit(ModelSet models) implements PipelineUnit {

    @Override
    public UnitDeclaration declaration() {
        return new UnitDeclaration(
                "start",
                Sides.SHARED,
                Set.of(Ports.NOISE, Ports.INPUT_LATENTS, Ports.SCHEDULE),
                Set.of(Ports.LATENTS),
                Set.of());
    }

    @Override
    public void run(PortAccess ports) {
        Tensor noise = models.device().place(ports.get(Ports.NOISE), DType.FLOAT32);
        FlowMatchSchedule schedule = ports.get(Ports.SCHEDULE);
        Tensor start = ports.find(Ports.INPUT_LATENTS)
                .map(clean -> schedule.addNoise(DType.FLOAT32.cast(clean), noise, 0))
                .orElse(noise);
        ports.set(Ports.LATENTS, start);
    }
}
