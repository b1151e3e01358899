package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A pipeline whose models let go of their weights after each use makes the pictures of one that keeps them.
class OffloadTest {

    @ParameterizedTest
    @EnumSource(names = {"BFLOAT16", "FLOAT32"})
    void picturesAreThoseOfAPipelineInMemory(DType dtype) {
        GenerationRequest request = GenerationRequest.of("a cat")
                .size(64, 64)
                .steps(3)
                .cfgScale(2)
                .seed(3)
                .build();
        GeneratedImage kept = generate(request, new LoadOptions(dtype, Device.CPU));
        GeneratedImage offloaded =
                generate(request, new LoadOptions(dtype, Device.CPU).withOffload(Set.of(ModelRole.values())));
        try (Scope _ = new Scope()) {
            TensorAssert.assertClose(
                    "latents",
                    offloaded.latents().toTensor(),
                    kept.latents().toTensor(),
                    dtype == DType.FLOAT32 ? 1e-5 : 1e-2);
        }
        assertThat(offloaded.image().size()).isEqualTo(kept.image().size());
    }

    private static GeneratedImage generate(GenerationRequest request, LoadOptions options) {
        try (Flux2Pipeline pipeline = Flux2Pipeline.load(ModelFiles.in(TestFiles.tinyModel("")), options)) {
            pipeline.generate(request);
            return pipeline.generate(request); // from weights that were let go of
        }
    }
}
