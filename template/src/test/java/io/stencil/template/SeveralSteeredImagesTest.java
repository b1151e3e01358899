package io.stencil.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.CancelledException;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.ProgressListener;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TemplateSource;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.template.pipeline.TemplatePipeline.Loading;
import io.stencil.tensor.CancellationToken;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Several images of one steered request are those of as many requests of one image.
class SeveralSteeredImagesTest {

    private static final List<Long> SEEDS = List.of(3L, 1L, 4L, 2L);
    private static final double TOLERANCE = 1e-5;
    private static final GenerationRequest REQUEST =
            GenerationRequest.of("a cat").size(32, 48).steps(2).cfgScale(2).build();

    @TempDir
    Path folder;

    private final List<String> steps = new ArrayList<>();

    private static TemplatePipeline pipeline(List<TemplateSource> sources) {
        Flux2Pipeline base =
                Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), new LoadOptions(DType.FLOAT32, Device.CPU));
        return new TemplatePipeline(base, sources, Loading.EAGER, Warnings.logged());
    }

    private void requireSingles(
            TemplatePipeline pipeline, List<TemplateInput> positive, List<TemplateInput> negative, double tolerance) {
        List<GeneratedImage> images = pipeline.generateAll(
                REQUEST,
                SEEDS,
                positive,
                negative,
                (done, total) -> steps.add(done + " of " + total),
                new CancellationToken());
        assertThat(images).hasSize(SEEDS.size());
        try (Scope _ = new Scope()) {
            for (int i = 0; i < images.size(); i++) {
                GenerationRequest single =
                        REQUEST.toBuilder().seed(SEEDS.get(i)).build();
                TensorAssert.assertClose(
                        "image " + i,
                        images.get(i).latents().toTensor(),
                        pipeline.generate(single, positive, negative, ProgressListener.NONE)
                                .latents()
                                .toTensor(),
                        tolerance);
            }
        }
    }

    /// Keys and values, a LoRA, and both, on either side.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "[{\"model_id\": 0, \"scale\": 0.5}]",
                "[{\"model_id\": 2, \"scale\": 0.5}]",
                "[{\"model_id\": 0, \"scale\": 0.2}, {\"model_id\": 1, \"scale\": 0.5}, {\"model_id\": 2, \"scale\": 1}]"
            })
    void imagesAreThoseOfTheirSeeds(String inputs) throws IOException {
        try (TemplatePipeline pipeline = pipeline(TinyPipeline.goldenTemplates(folder))) {
            requireSingles(pipeline, TemplateInputs.parse(inputs), TemplateInputs.parse("{\"scale\": 0.9}"), TOLERANCE);
            assertThat(steps).containsExactly("1 of 2", "2 of 2");
        }
    }

    @Test
    void aTemplateThatDrawsRandomNumbersDrawsThoseOfEachSeed() {
        Path draws = TestFiles.root().resolve("train/src/test/resources/templates/draws");
        try (TemplatePipeline pipeline = pipeline(List.of(new TemplateFolder(draws)))) {
            requireSingles(pipeline, TemplateInputs.parse("{\"scale\": 0.5}"), List.of(), 0);
            assertThat(steps)
                    .containsExactly("1 of 8", "2 of 8", "3 of 8", "4 of 8", "5 of 8", "6 of 8", "7 of 8", "8 of 8");
        }
    }

    @Test
    void noStepFollowsTheOneInWhichTheTokenWasCancelled() throws IOException {
        try (TemplatePipeline pipeline = pipeline(TinyPipeline.goldenTemplates(folder))) {
            CancellationToken token = new CancellationToken();
            List<TemplateInput> inputs = TemplateInputs.parse("{\"scale\": 0.5}");
            assertThatThrownBy(() -> pipeline.generateAll(
                            REQUEST,
                            SEEDS,
                            inputs,
                            List.of(),
                            (done, _) -> {
                                steps.add("step " + done);
                                token.cancel();
                            },
                            token))
                    .isInstanceOf(CancelledException.class);
            assertThat(steps).containsExactly("step 1");
        }
    }
}
