package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.CancelledException;
import io.stencil.flux2.vae.Tiling;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.models.VaeTiling;
import io.stencil.tensor.CancellationToken;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.StackToken;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Cancelled generations: heard in every model, and the pipeline goes on.
class CancellationTest {

    private static final int STEPS = 3;
    private static final GenerationRequest REQUEST = GenerationRequest.of("a wall")
            .size(32, 64)
            .steps(STEPS)
            .seed(1)
            .inputImage(RgbImage.filled(new ImageSize(64, 32), 0x336699))
            .denoisingStrength(0.9)
            .build();

    private final Flux2Pipeline pipeline = Flux2Pipeline.load(
            ModelFiles.in(ShortPrompts.model()),
            new LoadOptions(DType.FLOAT32, Device.CPU).withTiling(VaeTiling.always(new Tiling(32, 0))));

    @AfterEach
    void free() {
        pipeline.close();
    }

    private byte[] image() {
        return pipeline.generate(REQUEST).image().rgb();
    }

    @Test
    void noStepFollowsTheOneInWhichTheTokenWasCancelled() {
        byte[] expected = image();
        for (int last = 1; last <= STEPS; last++) {
            CancellationToken token = new CancellationToken();
            List<Integer> steps = new ArrayList<>();
            int cancelled = last;
            ProgressListener listener = (done, _) -> {
                steps.add(done);
                if (done == cancelled) {
                    token.cancel();
                }
            };

            assertThatThrownBy(() -> pipeline.generateAll(REQUEST, List.of(1L, 2L), listener, token))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("the generation was cancelled");
            assertThat(steps).hasSize(last).endsWith(last);
        }
        assertThat(image()).isEqualTo(expected);
    }

    /// Of the parts of two tiles each runs its layers once a tile.
    @ParameterizedTest
    @CsvSource({
        "Encoder, 0, 0",
        "Encoder, 30, 0",
        "Qwen3Encoder, 0, 0",
        "Qwen3Encoder, 2, 0",
        "Flux2Transformer, 0, 0",
        "Flux2Transformer, 1, 0",
        "Decoder, 0, 3",
        "Decoder, 60, 3"
    })
    void everyModelHearsTheTokenBetweenItsLayers(String model, int passed, int stepsBefore) {
        byte[] expected = image();
        List<Integer> steps = new ArrayList<>();

        assertThatThrownBy(() -> pipeline.generateAll(
                        REQUEST, List.of(1L), (done, _) -> steps.add(done), new StackToken(model, passed)))
                .isInstanceOf(CancelledException.class)
                .satisfies(fault -> assertThat(fault.getStackTrace())
                        .anyMatch(frame -> frame.getClassName().endsWith(model)));
        assertThat(steps).hasSize(stepsBefore);
        assertThat(image()).isEqualTo(expected);
    }

    @Test
    void aTokenThatIsCancelledBeforehandCostsNoStep() {
        CancellationToken token = new CancellationToken();
        token.cancel();
        List<Integer> steps = new ArrayList<>();

        assertThatThrownBy(() -> pipeline.generateAll(REQUEST, List.of(1L), (done, _) -> steps.add(done), token))
                .isInstanceOf(CancelledException.class);
        assertThat(steps).isEmpty();
    }

    @Test
    void anInterruptIsHeardAndStays() {
        byte[] expected = image();
        List<Integer> steps = new ArrayList<>();

        assertThatThrownBy(() -> pipeline.generate(REQUEST, (done, _) -> {
                    steps.add(done);
                    Thread.currentThread().interrupt();
                }))
                .isInstanceOf(CancelledException.class)
                .hasMessage("the generation was cancelled: its thread was interrupted");
        assertThat(Thread.interrupted()).isTrue();
        assertThat(steps).containsExactly(1);
        assertThat(image()).isEqualTo(expected);
    }

    /// A call within one that is cancelled, by a Template for instance, has no token of its own.
    @Test
    void anOuterTokenCancelsInnerCallsToo() {
        CancellationToken outer = new CancellationToken();
        outer.cancel();
        try (CancellationToken.Binding _ = outer.bind();
                CancellationToken.Binding _ = new CancellationToken().bind()) {
            assertThatThrownBy(CancellationToken::check).isInstanceOf(CancelledException.class);
        }
        CancellationToken.check(); // bound no longer
    }
}
