package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidStateException;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.tensor.CancellationToken;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.TestFiles;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Previews of steps on a trained VAE.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PreviewTest {

    private static final GenerationRequest REQUEST = GenerationRequest.of("a red circle on a blue background")
            .size(64, 64)
            .steps(4)
            .build();

    private Flux2Pipeline pipeline;

    @BeforeAll
    void load() {
        pipeline = open();
    }

    @AfterAll
    void close() {
        pipeline.close();
    }

    private static Flux2Pipeline open() {
        return Flux2Pipeline.load(
                ModelFiles.in(TestFiles.root().resolve("models/tiny-klein")),
                new LoadOptions(DType.FLOAT32, Device.CPU));
    }

    /// Reads the previews of all steps.
    private static final class Reader implements ProgressListener {
        private final List<List<RgbImage>> steps = new ArrayList<>();
        private @Nullable Previews last;

        @Override
        public void onStep(int done, int total) {}

        @Override
        public void onStep(int done, int total, Previews previews) {
            steps.add(previews.images());
            last = previews;
        }
    }

    private static double meanError(RgbImage first, RgbImage second) {
        assertThat(first.size()).isEqualTo(second.size());
        long sum = 0;
        for (int i = 0; i < first.rgb().length; i++) {
            sum += Math.abs((first.rgb()[i] & 0xFF) - (second.rgb()[i] & 0xFF));
        }
        return (double) sum / first.rgb().length;
    }

    @Test
    void aPreviewComesNearTheImageStepByStep() {
        Reader reader = new Reader();
        List<GeneratedImage> images =
                pipeline.generateAll(REQUEST, List.of(1L, 2L, 3L), reader, new CancellationToken());

        assertThat(reader.steps)
                .hasSize(4)
                .allSatisfy(previews -> assertThat(previews)
                        .hasSize(3)
                        .allSatisfy(preview -> assertThat(preview.width()).isEqualTo(64)));
        List<Double> errors = reader.steps.stream()
                .map(previews -> IntStream.range(0, images.size())
                        .mapToDouble(
                                i -> meanError(previews.get(i), images.get(i).image()))
                        .average()
                        .orElseThrow())
                .toList();
        assertThat(errors.getLast()).as("of 255").isLessThan(16).isLessThan(errors.getFirst());
        assertThat(pipeline.generate(REQUEST.toBuilder().seed(1).build())
                        .image()
                        .rgb())
                .isEqualTo(pipeline.generate(REQUEST.toBuilder().seed(1).build(), new Reader())
                        .image()
                        .rgb());
    }

    @Test
    void aVaeHasOneMap() {
        Reader first = new Reader();
        pipeline.generate(REQUEST, first);
        Reader second = new Reader();
        try (Flux2Pipeline other = open()) {
            other.generate(REQUEST, second);
        }
        assertThat(second.steps).isEqualTo(first.steps);
    }

    @Test
    void aPreviewIsSmallWhereTheImageIsLarge() {
        Reader reader = new Reader();
        pipeline.generate(REQUEST.toBuilder().size(272, 256).steps(1).build(), reader);
        assertThat(reader.steps.getFirst().getFirst().height()).isEqualTo(68);
        assertThat(reader.steps.getFirst().getFirst().width()).isEqualTo(64);
    }

    @Test
    void aPreviewCannotBeReadLater() {
        Reader reader = new Reader();
        pipeline.generate(REQUEST, reader);
        assertThatThrownBy(() -> Objects.requireNonNull(reader.last).images())
                .isInstanceOf(InvalidStateException.class)
                .hasMessage("previews of a step can be read within onStep() alone, on the thread that calls it");
    }
}
