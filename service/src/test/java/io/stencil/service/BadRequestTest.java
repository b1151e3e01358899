package io.stencil.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Requests that are refused when they are submitted.
@SuppressWarnings("NullAway.Init") // set before all tests
class BadRequestTest {

    private static ImageService service;

    @BeforeAll
    static void open(@TempDir Path folder) throws IOException {
        service = ImageService.open(
                TinyService.settings(folder).maxPixels(64 * 64).maxSteps(10).build());
    }

    @AfterAll
    static void close() {
        service.close();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "template | 'templates[1].name': there is no 'bb'; this service has a, b, hook; did you mean",
                "lora | 'loras[0].name': there is no 'frist'; this service has first, second; did you mean 'first'?",
                "n | 'n': 9 images are more than this service's limit of 8",
                "many | 'n': must be 1 to 1000, found 2000000000",
                "none | 'n': must be 1 to 1000, found 0",
                "size | 'width, height': 1048576 pixels are more than this service's limit of 4096",
                "width | 'width': must be at least 1, found 0",
                "steps | 'steps': 11 steps are more than this service's limit of 10",
                "guidance | 'guidance': must be a number from -1000000 to 1000000, found NaN",
                "seed | 'seed': must be 0 to 4294967295, found -1",
                "seeds | 'seeds': has 2 values for 3 images; give one for each image, or none",
                "strength | 'strength': is 0.5, but there is no image to start from",
                "scale | 'templates[0].inputs.scale': must be a number, found",
                "field | 'templates[0].negative_inputs.scael': is not an input of this Template; it has scale",
            })
    void aBadRequestIsRefusedWithItsField(String kind, String message) {
        assertThatThrownBy(() -> service.submit(bad(kind)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith(message);
        assertThat(service.jobs()).isEmpty();
    }

    @Test
    void aDefaultSizeAboveTheLimitIsRefusedAtTheStart(@TempDir Path own) throws IOException {
        ServiceSettings.Builder settings = TinyService.settings(own).defaultSize(60, 64);

        assertThatThrownBy(() -> settings.maxPixels(64 * 64 - 1).build())
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage(
                        "'default_size': 60 x 64 is more than the 4095 pixels that an image may have (max_pixels); choose a smaller default_size, or a larger max_pixels");
        assertThat(settings.maxPixels(64 * 64).build().defaultSize().width()).isEqualTo(60);
    }

    private static ImageRequest bad(String kind) {
        ImageRequest.Builder request = TinyService.request();
        return switch (kind) {
            case "template" ->
                request.template("a", Map.of("scale", 1))
                        .template("bb", Map.of("scale", 1))
                        .build();
            case "lora" -> request.lora("frist", 1).build();
            case "n" -> request.n(9).build();
            case "many" -> request.n(2_000_000_000).build();
            case "none" -> request.n(0).build();
            case "size" -> request.size(1024, 1024).build();
            case "width" -> request.width(0).build();
            case "steps" -> request.steps(11).build();
            case "guidance" -> request.guidance(Double.NaN).build();
            case "seed" -> request.seed(-1).build();
            case "seeds" -> request.seeds(List.of(1L, 2L)).n(3).build();
            case "strength" -> {
                ImageRequest plain = request.build();
                yield new ImageRequest(
                        plain.prompt(),
                        "",
                        1,
                        plain.seeds(),
                        32,
                        32,
                        2,
                        1.0,
                        null,
                        0.5,
                        plain.images(),
                        List.of(),
                        List.of(),
                        0);
            }
            case "scale" -> request.template("a", Map.of("scale", "bright")).build();
            case "field" ->
                request.template(new ImageRequest.TemplateUse("a", Map.of("scale", 1), Map.of("scael", 1)))
                        .build();
            default -> throw new AssertionError(kind);
        };
    }
}
