package io.stencil.template;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stencil.autograd.GradMode;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.ProgressListener;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.template.pipeline.TemplatePipeline.Loading;
import io.stencil.tensor.Scope;
import io.stencil.testing.Golden;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Merged caches and steered generations against the reference's.
class TemplateGoldenTest {

    private static final double CACHE_TOLERANCE = 1e-5;
    private static final double LATENTS_TOLERANCE = 5e-5;
    private static final int PICTURE_TOLERANCE = 1;

    @TempDir
    Path folder;

    @Test
    void mergedCachesEqualTheReference() throws IOException {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled();
                TemplatePipeline pipeline = pipeline(Loading.EAGER)) {
            Golden golden = Golden.read("template_cache.safetensors");
            JsonNode inputs = new ObjectMapper().readTree(golden.json());
            TemplateCache values = pipeline.cache(inputs(inputs.path("kv_inputs")));
            assertThat(values.kvCache().blocks()).hasSize(5);
            values.kvCache().blocks().forEach((block, cached) -> {
                TensorAssert.assertClose(
                        block.key(), cached.k(), golden.tensor("kv." + block.key() + ".k"), CACHE_TOLERANCE);
                TensorAssert.assertClose(
                        block.key(), cached.v(), golden.tensor("kv." + block.key() + ".v"), CACHE_TOLERANCE);
            });
            TemplateCache lora = pipeline.cache(inputs(inputs.path("lora_inputs")));
            assertThat(lora.lora().pairs()).hasSize(2);
            lora.lora().pairs().forEach((layer, pair) -> {
                String name = "lora." + layer;
                TensorAssert.assertClose(layer, pair.a(), golden.tensor(name + ".lora_A.weight"), CACHE_TOLERANCE);
                TensorAssert.assertClose(layer, pair.b(), golden.tensor(name + ".lora_B.weight"), CACHE_TOLERANCE);
            });
        }
    }

    @ParameterizedTest
    @CsvSource({"template, EAGER", "two_templates, LAZY", "lora_template, EAGER", "lora_template, LAZY"})
    void steeredGenerationsEqualTheReference(String run, Loading loading) throws IOException {
        try (Scope _ = new Scope();
                TemplatePipeline pipeline = pipeline(loading)) {
            Golden golden = Golden.read("generate.safetensors");
            JsonNode arguments =
                    new ObjectMapper().readTree(golden.json()).path("runs").path(run);
            GenerationRequest request = GenerationRequest.of(
                            arguments.path("prompt").asText())
                    .negativePrompt(arguments.path("negative_prompt").asText())
                    .steps(arguments.path("num_inference_steps").asInt())
                    .size(
                            arguments.path("height").asInt(),
                            arguments.path("width").asInt())
                    .cfgScale(arguments.path("cfg_scale").asDouble())
                    .seed(arguments.path("seed").asLong())
                    .build();
            GeneratedImage result = pipeline.generate(
                    request,
                    inputs(arguments.path("template_inputs")),
                    inputs(arguments.path("negative_template_inputs")),
                    ProgressListener.NONE);
            TensorAssert.assertClose(
                    run, result.latents().toTensor(), golden.tensor(run + ".latents"), LATENTS_TOLERANCE);
            RgbImage expected = RgbImageReader.read(TestFiles.golden("generate_" + run + ".png"));
            byte[] found = result.image().rgb();
            byte[] wanted = expected.rgb();
            assertThat(found).hasSameSizeAs(wanted);
            for (int i = 0; i < wanted.length; i++) {
                assertThat(Math.abs((found[i] & 0xff) - (wanted[i] & 0xff))).isLessThanOrEqualTo(PICTURE_TOLERANCE);
            }
        }
    }

    private TemplatePipeline pipeline(Loading loading) throws IOException {
        return new TemplatePipeline(
                TinyPipeline.base(), TinyPipeline.goldenTemplates(folder), loading, Warnings.logged());
    }

    private static List<TemplateInput> inputs(JsonNode inputs) {
        return inputs.isMissingNode() ? List.of() : TemplateInputs.parse(inputs.toString());
    }
}
