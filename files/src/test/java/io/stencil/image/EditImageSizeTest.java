package io.stencil.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EditImageSizeTest {

    @ParameterizedTest
    @CsvSource({
        "64, 48, 1184, 896",
        "1, 1, 1024, 1024",
        "1920, 1080, 1376, 768",
        "1080, 1920, 768, 1376",
        "1000, 10, 10240, 96",
        "4032, 3024, 1184, 896",
    })
    void aboutOneMegapixelWithTheSameRatio(int width, int height, int toWidth, int toHeight) {
        assertThat(TargetSize.ofEditImage(new ImageSize(width, height))).isEqualTo(new ImageSize(toWidth, toHeight));
    }

    @Test
    void theFittedImageHasThatSize() {
        RgbImage image = Images.random(64, 48, 3);
        assertThat(Resampler.cover(image, TargetSize.ofEditImage(image.size())).size())
                .isEqualTo(new ImageSize(1184, 896));
    }

    @Test
    void anImageThatWouldVanishIsRefused() {
        assertThatThrownBy(() -> TargetSize.ofEditImage(new ImageSize(1, 5000)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("'edit_image'")
                .hasMessageContaining("1 x 5000");
    }
}
