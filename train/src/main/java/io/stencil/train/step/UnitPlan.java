package io.stencil.train.step;

import io.stencil.pipeline.unit.PipelineUnit;
import io.stencil.pipeline.unit.Port;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Which units of a pipeline a training step runs, derived from what they declare.
///
/// @param fixed units whose results no trained value reaches: they run without gradients
/// @param trained units behind a trained value, which run after the others and record gradients
record UnitPlan(List<PipelineUnit> fixed, List<PipelineUnit> trained) {

    UnitPlan {
        fixed = List.copyOf(fixed);
        trained = List.copyOf(trained);
    }

    /// The units that the wanted ports need, in the pipeline's order.
    ///
    /// @param wanted ports that the step reads
    /// @param learned ports whose values come from what is trained
    static UnitPlan of(List<PipelineUnit> units, Set<Port<?>> wanted, Set<Port<?>> learned) {
        List<PipelineUnit> fixed = new ArrayList<>();
        List<PipelineUnit> trained = new ArrayList<>();
        Set<Port<?>> reached = new HashSet<>(learned);
        for (PipelineUnit unit : needed(units, wanted)) {
            if (Collections.disjoint(unit.declaration().inputs(), reached)) {
                fixed.add(unit);
            } else {
                reached.addAll(unit.declaration().outputs());
                trained.add(unit);
            }
        }
        return new UnitPlan(fixed, trained);
    }

    private static List<PipelineUnit> needed(List<PipelineUnit> units, Set<Port<?>> wanted) {
        Set<Port<?>> open = new HashSet<>(wanted);
        List<PipelineUnit> needed = new ArrayList<>();
        for (PipelineUnit unit : units.reversed()) {
            if (!Collections.disjoint(unit.declaration().outputs(), open)) {
                open.addAll(unit.declaration().inputs());
                needed.addFirst(unit);
            }
        }
        return needed;
    }
}
