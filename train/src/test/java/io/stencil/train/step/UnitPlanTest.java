package io.stencil.train.step;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.pipeline.stage.Ports;
import io.stencil.pipeline.unit.PipelineUnit;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class UnitPlanTest {

    private static List<String> names(List<PipelineUnit> units) {
        return units.stream().map(unit -> unit.declaration().name()).toList();
    }

    @Test
    void onlyUnitsThatAreNeededRunAndThoseBehindATrainedValueRunLast() {
        ModelSet none = new ModelSet(null, null, null, DType.FLOAT32, DType.FLOAT32, Device.CPU);
        try (Flux2Pipeline pipeline = new Flux2Pipeline(none)) {
            UnitPlan plan = UnitPlan.of(
                    pipeline.units(),
                    Set.of(Ports.INPUT_LATENTS, Ports.REFERENCES, Ports.TEXT),
                    Set.of(Ports.TEXT_EMBEDDING));
            assertThat(names(plan.fixed())).containsExactly("input image", "edit images", "prompt");
            assertThat(names(plan.trained())).containsExactly("text tokens");
        }
    }

    @Test
    void withoutTrainedValuesNoUnitRecordsGradients() {
        ModelSet none = new ModelSet(null, null, null, DType.FLOAT32, DType.FLOAT32, Device.CPU);
        try (Flux2Pipeline pipeline = new Flux2Pipeline(none)) {
            UnitPlan plan = UnitPlan.of(pipeline.units(), Set.of(Ports.LATENTS), Set.of());
            assertThat(names(plan.fixed())).containsExactly("noise", "input image", "start");
            assertThat(plan.trained()).isEmpty();
        }
    }
}
