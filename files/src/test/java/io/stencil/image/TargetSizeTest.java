package io.stencil.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TargetSizeTest {

    @ParameterizedTest
    @CsvSource({
        "200, 130, 4096, 64, 48",
        "300, 300, 1048576, 288, 288",
        "1024, 1024, 1048576, 1024, 1024",
        "1040, 1024, 1048576, 1024, 1008",
        "4000, 3000, 1048576, 1168, 880",
        "16, 16, 256, 16, 16",
        "65535, 4096, 1048576, 4080, 256",
        "31, 47, 1048576, 16, 32",
    })
    void maxPixelsKeepsTheRatioAndCutsToWholeTokens(int width, int height, int maxPixels, int toWidth, int toHeight) {
        assertThat(new TargetSize.MaxPixels(maxPixels).resolve(new ImageSize(width, height)))
                .isEqualTo(new ImageSize(toWidth, toHeight));
    }

    @Test
    void fixedIsTheSameForEveryImage() {
        assertThat(new TargetSize.Fixed(48, 80).resolve(new ImageSize(3, 1000))).isEqualTo(new ImageSize(80, 48));
    }

    @ParameterizedTest
    @CsvSource({"15, 400", "400, 15", "20000, 17"})
    void anImageTooNarrowForOneTokenIsRefused(int width, int height) {
        assertThatThrownBy(() -> new TargetSize.MaxPixels(65536).resolve(new ImageSize(width, height)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("%s x %s".formatted(width, height))
                .hasMessageContaining("at least 16");
    }

    @ParameterizedTest
    @CsvSource({
        "1024, 1024, 1048576, 64, 1024, 1024",
        "50, 50, 1048576, 64, 1024, 1024",
        "4000, 3000, 1048576, 64, 1152, 896",
        "3000, 4000, 1048576, 64, 896, 1152",
        "1920, 1080, 1048576, 64, 1344, 768",
        "200, 130, 4096, 16, 80, 48",
        "1000, 1, 4096, 16, 256, 16",
    })
    void bucketsKeepTheAspectRatioAsFarAsTheirStepAllows(
            int width, int height, int maxPixels, int step, int toWidth, int toHeight) {
        assertThat(new TargetSize.Buckets(maxPixels, step).resolve(new ImageSize(width, height)))
                .isEqualTo(new ImageSize(toWidth, toHeight));
    }

    @Test
    void bucketsOffTheTokenGridAreRefused() {
        assertThatThrownBy(() -> new TargetSize.Buckets(4096, 24))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'bucket_reso_steps': must be a positive multiple of 16, found 24");
        assertThatThrownBy(() -> new TargetSize.Buckets(4095, 64))
                .hasMessage("'max_pixels': must be at least 4096 with --bucket_reso_steps 64, found 4095");
    }

    @Test
    void sidesOffTheTokenGridAreRefused() {
        assertThatThrownBy(() -> new TargetSize.Fixed(64, 100))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'width': must be a positive multiple of 16, found 100; use 96");
        assertThatThrownBy(() -> new TargetSize.Fixed(0, 64))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("'height'")
                .hasMessageContaining("use 16");
        assertThatThrownBy(() -> new TargetSize.Fixed(65536, 65536))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'height': 65536 and width 65536 are more than 268435456 pixels together");
        assertThatThrownBy(() -> new TargetSize.MaxPixels(255))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("'max_pixels'");
    }
}
