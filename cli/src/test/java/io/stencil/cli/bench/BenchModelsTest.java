package io.stencil.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.TestFiles;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// The models that are measured rest as those of a pipeline do.
class BenchModelsTest {

    private static BenchModels models(Set<ModelRole> offload) {
        return new BenchModels(
                ModelFiles.in(TestFiles.tinyModel("")),
                BenchSize.named("klein").withSide(64),
                new LoadOptions(DType.FLOAT32, Device.CPU).withOffload(offload),
                DType.FLOAT32);
    }

    @Test
    void anOffloadedModelKeepsNoWeights() {
        BenchModels offloaded = models(Set.of(ModelRole.VAE));
        try (AutoencoderKlFlux2 vae = offloaded.vae();
                OpenWork work = new VaeWork(offloaded)) {
            assertThat(vae.state().values()).allMatch(Parameter::isOffloaded);
            assertThat(work.run()).isPositive();
        }
        try (AutoencoderKlFlux2 kept = models(Set.of()).vae()) {
            assertThat(kept.state().values()).noneMatch(Parameter::isOffloaded);
        }
    }
}
