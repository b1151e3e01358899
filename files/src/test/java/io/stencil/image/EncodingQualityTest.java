package io.stencil.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class EncodingQualityTest {

    @Test
    void theQualityDecidesTheSizeOfTheFile() throws IOException {
        RgbImage image = Images.random(64, 64, 3);

        byte[] usual = RgbImageWriter.encode(image, ImageFormat.JPEG, null);

        assertThat(RgbImageWriter.encode(image, ImageFormat.JPEG, null, 95)).isEqualTo(usual);
        assertThat(RgbImageWriter.encode(image, ImageFormat.JPEG, null, 20)).hasSizeLessThan(usual.length / 2);
    }
}
