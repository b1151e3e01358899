package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.CancelledException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.ProgressListener;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.TemplateInput;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.template.pipeline.TemplatePipeline.Loading;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.StackToken;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Template caches of inputs that a pipeline has seen before.
class CachedRunTest {

    /// Each run gives another text embedding, as no Template should.
    private static final ModelSource COUNTS = ModelSource.GOOD
            .with("Input(double scale)", "Input(double scale, Optional<io.stencil.image.RgbImage> image)")
            .with("public TemplateCache forward", "private int runs;\n        public TemplateCache forward")
            .giving("TemplateCache.of(Tensors.full(in.scale() + ++runs, DType.FLOAT32, Device.CPU, 1, 2, 192))");

    private static final ModelSource ENCODES = ModelSource.GOOD
            .with("Input(double scale)", "Input(String text)")
            .with("return in;", "pipeline.models().encodePrompt(in.text()); return in;");

    private static final GenerationRequest REQUEST =
            GenerationRequest.of("a").size(32, 32).steps(1).seed(1).build();

    @TempDir
    private Path folder;

    private final List<String> warnings = new ArrayList<>();

    private TemplatePipeline pipeline(TemplateFolder template, Loading loading, long cacheBytes) {
        LoadOptions options = new LoadOptions(DType.FLOAT32, Device.CPU).withCache(cacheBytes);
        return new TemplatePipeline(
                Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), options),
                List.of(template),
                loading,
                warnings::add);
    }

    private byte[] image(TemplatePipeline pipeline, GenerationRequest request, Map<String, ?> input) {
        ProgressListener progress = new ProgressListener() {
            @Override
            public void onStep(int done, int total) {}

            @Override
            public void onWarning(String message) {
                warnings.add(message);
            }
        };
        return pipeline.generate(request, List.of(TemplateInput.of(0, input)), List.of(), progress)
                .image()
                .rgb();
    }

    @Test
    void aTemplateRunsOnceForEqualInputs() throws IOException {
        RgbImage red = RgbImage.filled(new ImageSize(4, 4), 0xff0000);
        RgbImage alsoRed = RgbImage.filled(new ImageSize(4, 4), 0xff0000);
        RgbImage blue = RgbImage.filled(new ImageSize(4, 4), 0x0000ff);
        try (TemplatePipeline pipeline = pipeline(COUNTS.in(folder), Loading.EAGER, 1 << 20)) {
            byte[] first = image(pipeline, REQUEST, Map.of("scale", 0.5, "image", red));
            assertThat(image(pipeline, REQUEST, Map.of("scale", 0.5, "image", alsoRed)))
                    .isEqualTo(first);
            assertThat(image(pipeline, REQUEST, Map.of("scale", 0.5, "image", blue)))
                    .isNotEqualTo(first);
            assertThat(image(pipeline, REQUEST, Map.of("scale", 0.5))).isNotEqualTo(first);
            assertThat(image(pipeline, REQUEST, Map.of("scale", 0.25, "image", red)))
                    .isNotEqualTo(first);
            assertThat(image(pipeline, REQUEST, Map.of("scale", 0.5, "image", red)))
                    .isEqualTo(first);
        }
    }

    @Test
    void withoutACacheItRunsEachTime() throws IOException {
        try (TemplatePipeline pipeline = pipeline(COUNTS.in(folder), Loading.EAGER, 0)) {
            Map<String, ?> input = Map.of("scale", 0.5);
            assertThat(image(pipeline, REQUEST, input)).isNotEqualTo(image(pipeline, REQUEST, input));
        }
    }

    /// A Template that is loaded anew is another one.
    @Test
    void aLazyTemplateIsNotCached() throws IOException {
        try (TemplatePipeline pipeline = pipeline(COUNTS.in(folder), Loading.LAZY, 1 << 20)) {
            image(pipeline, REQUEST, Map.of("scale", 0.5));
            long bytes = pipeline.base().models().cache().bytes();
            image(pipeline, REQUEST, Map.of("scale", 0.25));
            assertThat(pipeline.base().models().cache().bytes()).isEqualTo(bytes); // that of the prompt
        }
    }

    @Test
    void whatFollowsFromTheSeedIsNotCached() {
        TemplateFolder draws = new TemplateFolder(TestFiles.root().resolve("train/src/test/resources/templates/draws"));
        Map<String, ?> input = Map.of("scale", 0.5);
        GenerationRequest other = REQUEST.toBuilder().seed(2).build();
        byte[] expected;
        byte[] expectedOther;
        try (TemplatePipeline plain = pipeline(draws, Loading.EAGER, 0)) {
            expected = image(plain, REQUEST, input);
            expectedOther = image(plain, other, input);
        }
        try (TemplatePipeline caching = pipeline(draws, Loading.EAGER, 1 << 20)) {
            assertThat(image(caching, REQUEST, input)).isEqualTo(expected);
            assertThat(image(caching, other, input)).isEqualTo(expectedOther);
            assertThat(image(caching, REQUEST, input)).isEqualTo(expected);
        }
    }

    @Test
    void aPromptThatIsCutIsReportedEachTime() throws IOException {
        Map<String, ?> input = Map.of("text", "a wall ".repeat(20).strip());
        try (TemplatePipeline pipeline = pipeline(ENCODES.in(folder), Loading.EAGER, 1 << 20)) {
            image(pipeline, REQUEST, input);
            assertThat(warnings)
                    .singleElement()
                    .asString()
                    .startsWith("a prompt in template_inputs (model_id 0) is cut");
            image(pipeline, REQUEST, input);
            assertThat(warnings).hasSize(2);
            assertThat(warnings.getLast()).isEqualTo(warnings.getFirst());
        }
    }

    /// The Template runs before the prompt is encoded.
    @Test
    void aTokenIsHeardWithinTheCodeOfATemplate() throws IOException {
        TemplateInput input = TemplateInput.of(0, Map.of("text", "a wall"));
        try (TemplatePipeline pipeline = pipeline(ENCODES.in(folder), Loading.EAGER, 0)) {
            assertThatThrownBy(() -> pipeline.generateAll(
                            REQUEST,
                            List.of(1L),
                            List.of(input),
                            List.of(),
                            ProgressListener.NONE,
                            new StackToken("Qwen3Encoder", 1)))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("the generation was cancelled")
                    .satisfies(fault -> assertThat(fault.getStackTrace())
                            .anyMatch(frame -> frame.getMethodName().equals("processInputs")));
        }
    }
}
