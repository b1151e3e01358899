package io.stencil.lab.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.TestFiles;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// Models are measured as a pipeline holds them.
class BenchModelsTest {

    private static final Benchmark.Runs ONCE = new Benchmark.Runs(1, false);

    private static BenchModels models(Set<ModelRole> offloaded) {
        return new BenchModels(
                ModelFiles.in(TestFiles.tinyModel("")),
                BenchModels.Size.named("tiny"),
                new LoadOptions(DType.FLOAT32, Device.CPU).withOffload(offloaded),
                DType.FLOAT32);
    }

    private static boolean isOffloaded(Module model) {
        return model.state().values().stream().allMatch(Parameter::isOffloaded);
    }

    @Test
    void theNamedModelsLetGoOfTheirWeights() {
        BenchModels models = models(Set.of(ModelRole.TRANSFORMER, ModelRole.TEXT_ENCODER));
        try (Module transformer = models.transformer();
                Module text = models.text();
                Module vae = models.vae()) {
            assertThat(isOffloaded(transformer)).isTrue();
            assertThat(isOffloaded(text)).isTrue();
            assertThat(isOffloaded(vae)).isFalse();
        }
    }

    @Test
    void anOffloadedTransformerIsMeasured() {
        BenchReport.Measurement measurement = Benchmark.DENOISING.measure(models(Set.of(ModelRole.TRANSFORMER)), ONCE);
        assertThat(measurement.median()).isPositive();
        assertThat(measurement.operations())
                .isEqualTo(Benchmark.DENOISING.measure(models(Set.of()), ONCE).operations());
    }
}
