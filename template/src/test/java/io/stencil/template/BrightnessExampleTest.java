package io.stencil.template;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.template.pipeline.TemplatePipeline.Loading;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.testing.TestFiles;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The example of a Template folder loads as it lies in the tree, with its weights.
class BrightnessExampleTest {

    @Test
    void itGivesKeysAndValuesForEveryBlock() {
        Path example = TestFiles.root().resolve("examples/brightness");
        Flux2Pipeline base = Flux2Pipeline.load(
                new ModelFiles(List.of(List.of(TestFiles.root().resolve("models/tiny-klein/transformer"))), null),
                new LoadOptions(DType.FLOAT32, Device.CPU));
        try (Scope _ = new Scope();
                TemplatePipeline pipeline = new TemplatePipeline(
                        base, List.of(new TemplateFolder(example)), Loading.EAGER, Warnings.logged())) {
            TemplateCache cache = pipeline.cache(TemplateInputs.parse("{\"scale\": 0.8}"));
            assertThat(cache.kvCache().blocks()).hasSize(6).allSatisfy((_, cached) -> {
                assertThat(Tensors.shape(cached.k())).containsExactly(1, 64, 4, 32);
                assertThat(Tensors.shape(cached.v())).containsExactly(1, 64, 4, 32);
            });
        }
    }
}
