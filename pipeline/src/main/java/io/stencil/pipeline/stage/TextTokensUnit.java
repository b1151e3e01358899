package io.stencil.pipeline.stage;

import io.stencil.flux2.transformer.TextTokens;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.pipeline.unit.PipelineUnit;
import io.stencil.pipeline.unit.PortAccess;
import io.stencil.pipeline.unit.UnitDeclaration;
import java.util.Set;

/// Gives the text tokens their ids and appends a side's extra text embedding behind them.
public record TextTokensUnit(ModelSet models) implements PipelineUnit {

    @Override
    public UnitDeclaration declaration() {
        return new UnitDeclaration(
                "text tokens",
                Sides.EACH,
                Set.of(Ports.PROMPT_EMBEDS, Ports.TEXT_EMBEDDING),
                Set.of(Ports.TEXT),
                Set.of());
    }

    @Override
    public void run(PortAccess ports) {
        TextTokens text = TextTokens.of(ports.get(Ports.PROMPT_EMBEDS));
        ports.set(
                Ports.TEXT,
                ports.find(Ports.TEXT_EMBEDDING)
                        .map(extra -> text.append(models.device().place(extra, models.compute())))
                        .orElse(text));
    }
}
