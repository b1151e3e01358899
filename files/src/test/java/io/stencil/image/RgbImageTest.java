package io.stencil.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import org.junit.jupiter.api.Test;

class RgbImageTest {

    private static final byte[] TWO_PIXELS = {(byte) 255, 0, (byte) 128, 1, 2, 3};

    @Test
    void pixelsAreReadByRow() {
        RgbImage image = RgbImage.of(1, 2, TWO_PIXELS.clone());

        assertThat(image.pixel(0, 0)).isEqualTo(0xFF0080);
        assertThat(image.pixel(0, 1)).isEqualTo(0x010203);
        assertThat(image.sample(0, 0, 2)).isEqualTo(128);
        assertThatThrownBy(() -> image.pixel(1, 0)).isInstanceOf(InvalidRequestException.class);
    }

    @Test
    void equalityIsThatOfSizeAndPixels() {
        RgbImage image = RgbImage.of(1, 2, TWO_PIXELS.clone());

        assertThat(image).isEqualTo(RgbImage.of(1, 2, TWO_PIXELS.clone()));
        assertThat(image).hasSameHashCodeAs(RgbImage.of(1, 2, TWO_PIXELS.clone()));
        assertThat(image).isNotEqualTo(RgbImage.of(2, 1, TWO_PIXELS.clone()));
        assertThat(image).isNotEqualTo(RgbImage.filled(new ImageSize(1, 2), 0xFF0080));
    }

    @Test
    void bufferedImageAndBackIsTheSame() {
        RgbImage image = Images.random(17, 3, 4);

        assertThat(RgbImage.of(image.toBufferedImage())).isEqualTo(image);
    }

    @Test
    void aWrongNumberOfBytesIsRefused() {
        assertThatThrownBy(() -> RgbImage.of(2, 2, TWO_PIXELS.clone()))
                .hasMessageContaining("2 x 2")
                .hasMessageContaining("12")
                .hasMessageContaining("6");
        assertThatThrownBy(() -> RgbImage.of(0, 2, new byte[0])).isInstanceOf(InvalidRequestException.class);
        assertThatThrownBy(() -> RgbImage.filled(new ImageSize(1 << 20, 1 << 20), 0))
                .isInstanceOf(InvalidRequestException.class);
    }
}
