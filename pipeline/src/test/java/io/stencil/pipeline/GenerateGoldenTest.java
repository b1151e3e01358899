package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.tensor.Scope;
import io.stencil.testing.Golden;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Whole generations against the reference's final latents and pictures.
class GenerateGoldenTest extends TinyPipelineFixture {

    private static final double LATENTS_TOLERANCE = 5e-5;
    private static final int PICTURE_TOLERANCE = 1;

    @ParameterizedTest
    @ValueSource(strings = {"base", "cfg1", "strength", "edit", "edit_auto", "inpaint"})
    void latentsAndPictureEqualTheReference(String run) throws IOException {
        try (Scope _ = new Scope()) {
            Golden golden = Golden.read("generate.safetensors");
            JsonNode arguments =
                    new ObjectMapper().readTree(golden.json()).path("runs").path(run);
            GeneratedImage result = pipeline.generate(request(arguments));
            TensorAssert.assertClose(
                    run, result.latents().toTensor(), golden.tensor(run + ".latents"), LATENTS_TOLERANCE);
            RgbImage expected = RgbImageReader.read(TestFiles.golden("generate_" + run + ".png"));
            assertThat(result.image().size()).isEqualTo(expected.size());
            assertThat(largestDifference(result.image(), expected)).isLessThanOrEqualTo(PICTURE_TOLERANCE);
        }
    }

    static GenerationRequest request(JsonNode run) {
        GenerationRequest.Builder request = GenerationRequest.of(
                        run.path("prompt").asText())
                .negativePrompt(run.path("negative_prompt").asText())
                .steps(run.path("num_inference_steps").asInt())
                .size(run.path("height").asInt(), run.path("width").asInt())
                .cfgScale(run.path("cfg_scale").asDouble())
                .seed(run.path("seed").asLong())
                .embeddedGuidance(run.path("embedded_guidance").asDouble(4))
                .denoisingStrength(run.path("denoising_strength").asDouble(1));
        if (run.has("input_image")) {
            request.inputImage(picture(run.path("input_image")));
        }
        if (run.has("inpaint_mask")) {
            request.inpaint(new Inpaint(picture(run.path("inpaint_mask"))));
        }
        if (run.has("edit_image")) {
            List<RgbImage> images = new ArrayList<>();
            run.path("edit_image").forEach(name -> images.add(picture(name)));
            request.editImages(
                    new EditImages(images, run.path("edit_image_auto_resize").asBoolean(true)));
        }
        return request.build();
    }

    private static RgbImage picture(JsonNode name) {
        return picture(name.asText());
    }

    static RgbImage picture(String name) {
        return RgbImageReader.read(TestFiles.golden(name));
    }

    static int largestDifference(RgbImage a, RgbImage b) {
        byte[] x = a.rgb();
        byte[] y = b.rgb();
        int largest = 0;
        for (int i = 0; i < x.length; i++) {
            largest = Math.max(largest, Math.abs((x[i] & 0xff) - (y[i] & 0xff)));
        }
        return largest;
    }
}
