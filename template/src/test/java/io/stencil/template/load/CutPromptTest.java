package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.ProgressListener;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.TemplateInputs;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.template.pipeline.TemplatePipeline.Loading;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.testing.ShortPrompts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Prompts in the inputs of a Template that are longer than what the text encoder reads.
class CutPromptTest {

    private static final ModelSource ENCODES = ModelSource.GOOD
            .with("Input(double scale)", "Input(String text)")
            .with("return in;", "pipeline.models().encodePrompt(in.text()); return in;");

    @TempDir
    private Path folder;

    private final List<String> warnings = new ArrayList<>();
    private final ProgressListener progress = new ProgressListener() {
        @Override
        public void onStep(int done, int total) {}

        @Override
        public void onWarning(String message) {
            warnings.add(message);
        }
    };

    @ParameterizedTest
    @EnumSource
    void aPromptOfAnInputThatIsCutIsReportedOnce(Loading loading) throws IOException {
        Flux2Pipeline base =
                Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), new LoadOptions(DType.FLOAT32, Device.CPU));
        String longText = "{\"text\": \"%s\"}".formatted("a wall ".repeat(20).strip());
        try (TemplatePipeline pipeline =
                new TemplatePipeline(base, List.of(ENCODES.in(folder)), loading, warnings::add)) {
            GenerationRequest request =
                    GenerationRequest.of("a").size(32, 32).steps(1).cfgScale(2).build();
            pipeline.generate(request, TemplateInputs.parse("{\"text\": \"a wall\"}"), List.of(), progress);
            assertThat(warnings).isEmpty();

            pipeline.generate(request, TemplateInputs.parse(longText), List.of(), progress);
            assertThat(warnings).singleElement().asString().matches(cut("template_inputs"));

            warnings.clear();
            pipeline.generate(request, List.of(), TemplateInputs.parse(longText), progress);
            assertThat(warnings).singleElement().asString().matches(cut("negative_template_inputs"));

            warnings.clear();
            try (Scope _ = new Scope()) {
                pipeline.cache(TemplateInputs.parse(longText));
            }
            assertThat(warnings).singleElement().asString().matches(cut("template_inputs"));
        }
    }

    private static String cut(String option) {
        return "a prompt in " + option
                + " \\(model_id 0\\) is cut: it has \\d+ tokens with its chat template, the text encoder"
                + " reads the first 32; the rest has no effect";
    }
}
