package io.stencil.pipeline.unit;

import java.util.Set;

/// What a unit declares of itself.
public record UnitDeclaration(
        String name, PipelineUnit.Sides sides, Set<Port<?>> inputs, Set<Port<?>> outputs, Set<ModelRole> models) {

    public UnitDeclaration {
        inputs = Set.copyOf(inputs);
        outputs = Set.copyOf(outputs);
        models = Set.copyOf(models);
    }
}
