package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.tensor.CancellationToken;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Several images of one request are those of as many requests of one image.
class SeveralImagesTest extends TinyPipelineFixture {

    private static final List<Long> SEEDS = List.of(3L, 1L, 4L, 4_000_000_000L);
    private static final double TOLERANCE = 1e-5;

    private static GenerationRequest.Builder request() {
        return GenerationRequest.of("a cat").size(32, 48).steps(2);
    }

    static Stream<GenerationRequest> requests() {
        RgbImage input = RgbImageReader.read(TestFiles.golden("input.png"));
        RgbImage mask = RgbImageReader.read(TestFiles.golden("mask.png"));
        EditImages edit = new EditImages(List.of(RgbImageReader.read(TestFiles.golden("edit.png"))), false);
        return Stream.of(
                        request(),
                        request().cfgScale(3).negativePrompt("a dog"),
                        request().editImages(edit),
                        request().inputImage(input).denoisingStrength(0.7),
                        request().inputImage(input).inpaint(new Inpaint(mask)).cfgScale(2),
                        request().lora(TestFiles.golden("formats/lora/diffusers.safetensors"), 0.8),
                        request().lora(TestFiles.golden("formats/lora/dora_peft.safetensors"), 0.8))
                .map(GenerationRequest.Builder::build);
    }

    private void requireSingles(GenerationRequest request, List<GeneratedImage> images) {
        assertThat(images).hasSize(SEEDS.size());
        try (Scope _ = new Scope()) {
            for (int i = 0; i < images.size(); i++) {
                GeneratedImage single =
                        pipeline.generate(request.toBuilder().seed(SEEDS.get(i)).build());
                TensorAssert.assertClose(
                        "image " + i,
                        images.get(i).latents().toTensor(),
                        single.latents().toTensor(),
                        TOLERANCE);
                assertThat(images.get(i).image().size())
                        .isEqualTo(single.image().size());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("requests")
    void imagesAreThoseOfTheirSeeds(GenerationRequest request) {
        List<String> steps = new ArrayList<>();
        List<GeneratedImage> images = pipeline.generateAll(
                request, SEEDS, (done, total) -> steps.add(done + " of " + total), new CancellationToken());
        assertThat(steps).containsExactly("1 of 2", "2 of 2"); // all four together
        requireSingles(request, images);
    }

    /// Passes of more than one image run out of memory: four, then two.
    @Test
    void imagesThatDoNotFitInMemoryTogetherAreMadeApart() {
        List<String> steps = new ArrayList<>();
        List<Integer> firsts = new ArrayList<>();
        ProgressListener narrow = new ProgressListener() {
            @Override
            public void onStep(int done, int total) {}

            @Override
            public void onStep(int done, int total, Previews previews) {
                if (previews.images().size() > 1) {
                    Tensors.zeros(DType.FLOAT32, Device.CPU, 1L << 45);
                }
                steps.add(done + " of " + total);
                firsts.add(previews.first());
            }
        };
        GenerationRequest request = request().build();
        List<GeneratedImage> images = pipeline.generateAll(request, SEEDS, narrow, new CancellationToken());
        assertThat(steps)
                .containsExactly("1 of 8", "2 of 8", "3 of 8", "4 of 8", "5 of 8", "6 of 8", "7 of 8", "8 of 8");
        assertThat(firsts).containsExactly(0, 0, 1, 1, 2, 2, 3, 3);
        requireSingles(request, images);
    }

    @Test
    void seedsThatCannotBeUsedAreNamed() {
        GenerationRequest request = request().build();
        assertThatThrownBy(() -> all(request, List.of()))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'seeds': holds none; give a seed for each image");
        assertThatThrownBy(() -> all(request, List.of(1L, -1L)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'seeds[1]': must be 0 to 4294967295, found -1");
        try (Scope _ = new Scope()) {
            GenerationRequest noise = request()
                    .noise(Tensors.zeros(DType.FLOAT32, Device.CPU, 1, 128, 2, 3))
                    .build();
            assertThatThrownBy(() -> all(noise, List.of(1L, 2L)))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'noise': is that of one image, and there are seeds of several");
        }
    }

    private List<GeneratedImage> all(GenerationRequest request, List<Long> seeds) {
        return pipeline.generateAll(request, seeds, ProgressListener.NONE, new CancellationToken());
    }
}
