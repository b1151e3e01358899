package io.stencil.template;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.image.RgbImage;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TemplateSource;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.template.pipeline.TemplatePipeline.Loading;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TestFiles;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

/// A Template that draws from the generator of the process gives the same image for the same seed.
class DrawingTemplatePipelineTest {

    private static final Path TEMPLATE = TestFiles.root().resolve("train/src/test/resources/templates/draws");

    private static byte[] generate(TemplatePipeline pipeline, long seed) {
        GenerationRequest request =
                GenerationRequest.of("a cat").size(32, 32).steps(2).seed(seed).build();
        RgbImage image = pipeline.generate(request, TemplateInputs.parse("{\"scale\": 0.5}"))
                .image();
        return image.rgb();
    }

    @Test
    void theSeedOfTheRequestReachesWhatTheTemplateDraws() {
        for (Loading loading : Loading.values()) {
            TemplateSource source = new TemplateFolder(TEMPLATE);
            Flux2Pipeline base =
                    Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), new LoadOptions(DType.FLOAT32, Device.CPU));
            try (TemplatePipeline pipeline = new TemplatePipeline(base, List.of(source, source), loading, warning -> {
                throw new AssertionError(warning);
            })) {
                byte[] first = generate(pipeline, 1);
                try (Scope _ = new Scope()) {
                    torch.rand(3);
                }
                assertThat(generate(pipeline, 1)).isEqualTo(first);
                assertThat(generate(pipeline, 2)).isNotEqualTo(first);
            }
        }
    }
}
