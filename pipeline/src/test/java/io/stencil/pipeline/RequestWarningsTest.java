package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/// Values that a generation does not use are reported before its first step.
class RequestWarningsTest extends TinyPipelineFixture {

    private static final RgbImage SQUARE = RgbImage.filled(new ImageSize(64, 64), 0x336699);

    private static GenerationRequest.Builder request() {
        return GenerationRequest.of("a leaf").size(32, 32).steps(2);
    }

    /// Messages in the order of their arrival, steps as `step N`.
    private List<String> events(GenerationRequest request) {
        List<String> events = new ArrayList<>();
        pipeline.generate(request, new ProgressListener() {
            @Override
            public void onStep(int done, int total) {
                events.add("step " + done);
            }

            @Override
            public void onWarning(String message) {
                events.add(message);
            }
        });
        return events;
    }

    private void warns(GenerationRequest.Builder request, String message) {
        assertThat(events(request.steps(1).build())).containsExactly(message, "step 1");
    }

    @Test
    void aRequestThatIsUsedAsAWholeHasNoWarning() {
        assertThat(events(request().build())).containsExactly("step 1", "step 2");
        assertThat(events(request().cfgScale(2).negativePrompt("a stone").build()))
                .containsExactly("step 1", "step 2");
        assertThat(events(request().inputImage(SQUARE).denoisingStrength(0.5).build()))
                .containsExactly("step 1", "step 2");
        assertThat(events(request()
                        .inputImage(SQUARE)
                        .inpaint(new Inpaint(SQUARE))
                        .build()))
                .containsExactly("step 1", "step 2");
    }

    @Test
    void aSizeThatIsRoundedUpIsReported() {
        warns(
                request().size(33, 32),
                "width and height are rounded up to multiples of 16: the image has 32 x 48 pixels instead of 32 x 33");
    }

    @Test
    void aPromptBeyondTheTokenLimitIsReported() {
        String prompt = "red circle ".repeat(1000);
        int tokens = Objects.requireNonNull(pipeline.models().textEncoder())
                .tokenizer()
                .count(prompt);
        assertThat(tokens).isGreaterThan(1000);
        String cut =
                "prompt is cut: it has %s tokens with its chat template, the text encoder reads the first 512; the rest has no effect"
                        .formatted(tokens);

        warns(GenerationRequest.of(prompt).size(32, 32), cut);
        warns(request().cfgScale(2).negativePrompt(prompt), "negative_" + cut);
    }

    @Test
    void aNegativePromptWithoutGuidanceIsReported() {
        warns(
                request().negativePrompt("a stone"),
                "negative_prompt has no effect: there is no guidance at cfg_scale 1");
    }

    @Test
    void anInputImageOfWhichNothingIsLeftIsReported() {
        for (double strength : new double[] {1, 0.5}) { // one step begins at pure noise whatever the strength
            warns(
                    request().inputImage(SQUARE).denoisingStrength(strength),
                    "input_image has no effect: with denoising_strength %s and 1 steps denoising begins at pure noise; lower the strength, and take more than one step"
                            .formatted(strength));
        }
    }

    @Test
    void aMaskThatDoesNotLieOnTheCroppedImageIsReported() {
        warns(
                request().size(32, 64).inputImage(SQUARE).inpaint(new Inpaint(SQUARE)),
                "inpaint_mask is stretched to 64 x 32 pixels, while input_image (64 x 64) is cropped to them, so that they do not lie on each other; use images of the ratio that is made, or inpaint_overlay");
    }
}
