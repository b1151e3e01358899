package io.stencil.pipeline.unit;

import java.util.List;

/// Runs units in their order: shared ones once, the others for each side.
public record UnitRunner(List<PipelineUnit> units) {

    public UnitRunner {
        units = List.copyOf(units);
    }

    /// @param sides made by [PortValues#side] of `shared`
    public void run(PortValues shared, List<PortValues> sides) {
        for (PipelineUnit unit : units) {
            switch (unit.declaration().sides()) {
                case SHARED -> unit.run(new PortAccess(unit, shared));
                case EACH -> sides.forEach(side -> unit.run(new PortAccess(unit, side)));
            }
        }
    }
}
