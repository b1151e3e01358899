package io.stencil.image;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ResamplerTest {

    @ParameterizedTest
    @EnumSource(Resampler.Filter.class)
    void theSameSizeIsTheSameImage(Resampler.Filter filter) {
        RgbImage image = Images.random(17, 3, 10);

        assertThat(Resampler.resize(image, image.size(), filter)).isSameAs(image);
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 300, 200", "300, 200, 1, 1", "17, 3, 3, 1700", "1, 5000, 5000, 1", "4096, 2, 16, 16"})
    void oneColourStaysThatColour(int width, int height, int toWidth, int toHeight) {
        RgbImage image = RgbImage.filled(new ImageSize(width, height), 0xFF0180);
        ImageSize target = new ImageSize(toWidth, toHeight);

        for (Resampler.Filter filter : Resampler.Filter.values()) {
            assertThat(Resampler.resize(image, target, filter)).isEqualTo(RgbImage.filled(target, 0xFF0180));
        }
    }

    @Test
    void bicubicOvershootIsClipped() {
        RgbImage edge = RgbImage.of(2, 1, new byte[] {0, 0, 0, -1, -1, -1});

        RgbImage wide = Resampler.resize(edge, new ImageSize(16, 1), Resampler.Filter.BICUBIC);

        assertThat(wide.pixel(0, 0)).isZero();
        assertThat(wide.pixel(15, 0)).isEqualTo(0xFFFFFF);
    }
}
