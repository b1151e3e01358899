package io.stencil.pipeline.stage;

import io.stencil.pipeline.models.ModelSet;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.pipeline.unit.PipelineUnit;
import io.stencil.pipeline.unit.PortAccess;
import io.stencil.pipeline.unit.UnitDeclaration;
import java.util.Set;

/// Encodes a side's prompt.
public record PromptUnit(ModelSet models) implements PipelineUnit {

    @Override
    public UnitDeclaration declaration() {
        return new UnitDeclaration(
                "prompt",
                Sides.EACH,
                Set.of(Ports.PROMPT),
                Set.of(Ports.PROMPT_EMBEDS),
                Set.of(ModelRole.TEXT_ENCODER));
    }

    @Override
    public void run(PortAccess ports) {
        ports.set(Ports.PROMPT_EMBEDS, models.encodePrompt(ports.get(Ports.PROMPT)));
    }
}
