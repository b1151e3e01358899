package io.stencil.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import java.util.Arrays;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MaskTest {

    /// Float32 results of at most 1 from sums in double.
    private static final Offset<Float> FLOAT = Offset.offset(2e-7f);

    private static final ImageSize SIZE = new ImageSize(7, 5);

    @Test
    void valuesAreTheMeanOfTheChannels() {
        RgbImage image = RgbImage.of(2, 1, new byte[] {(byte) 255, (byte) 255, (byte) 255, 30, 60, 120});

        float[] values = Mask.of(image, image.size()).values();

        assertThat(values[0]).isEqualTo(1f);
        assertThat(values[1]).isCloseTo(70f / 255, FLOAT);
    }

    @Test
    void anImageIsResizedWithTheBicubicFilter() {
        RgbImage noise = Images.ppm(Images.folder("resize").resolve("noise.ppm"));
        RgbImage resized = Images.ppm(Images.folder("resize").resolve("noise_4x4_bicubic.ppm"));

        Mask mask = Mask.of(noise, new ImageSize(4, 4));

        assertThat(mask.size()).isEqualTo(new ImageSize(4, 4));
        assertThat(mask.values()).isEqualTo(Mask.of(resized, resized.size()).values());
    }

    /// The sum over a block, in the order of the formula.
    @Test
    void valuesAreTheMeansOfBlocks() {
        RgbImage noise = Images.random(48, 32, 7);
        Mask mask = Mask.averaged(noise, 16);

        assertThat(mask.size()).isEqualTo(new ImageSize(3, 2));
        for (int row = 0; row < 2; row++) {
            for (int column = 0; column < 3; column++) {
                double sum = 0;
                for (int i = 0; i < 256; i++) {
                    int x = 16 * column + i % 16;
                    int y = 16 * row + i / 16;
                    sum += noise.sample(x, y, 0) + noise.sample(x, y, 1) + noise.sample(x, y, 2);
                }
                assertThat(mask.values()[3 * row + column]).isCloseTo((float) (sum / 255 / 3 / 256), FLOAT);
            }
        }
        assertThat(Mask.averaged(RgbImage.filled(noise.size(), 0xFFFFFF), 16).isFilledWith(1))
                .isTrue();
        assertThat(Mask.averaged(RgbImage.filled(noise.size(), 0), 16).isFilledWith(0))
                .isTrue();
        assertThat(mask.isFilledWith(mask.values()[0])).isFalse();
        assertThatThrownBy(() -> Mask.averaged(Images.random(40, 32, 1), 16))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("40 x 32 pixels, which are no multiples of 16");
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "1, 0.5", "2, 1.5", "4, 30"})
    void blurEqualsTheTwoDimensionalSum(int reach, double sigma) {
        float[] plane = plane();

        float[] blurred = new Mask(SIZE, plane).blurred(reach, sigma).values();

        for (int y = 0; y < SIZE.height(); y++) {
            for (int x = 0; x < SIZE.width(); x++) {
                assertThat(blurred[y * SIZE.width() + x]).isCloseTo(blurredAt(x, y, reach, sigma), FLOAT);
            }
        }
        assertThat(plane).isEqualTo(plane());
    }

    /// `exp(-r² / (2 sigma²))` over the square around a token, with the mirror at the centre of the edge tokens.
    private static float blurredAt(int x, int y, int reach, double sigma) {
        float[] plane = plane();
        double sum = 0;
        double weights = 0;
        for (int dy = -reach; dy <= reach; dy++) {
            for (int dx = -reach; dx <= reach; dx++) {
                int u = x + dx < 0 ? -x - dx : x + dx > 6 ? 12 - x - dx : x + dx;
                int v = y + dy < 0 ? -y - dy : y + dy > 4 ? 8 - y - dy : y + dy;
                double weight = Math.exp(-(dx * dx + dy * dy) / (2 * sigma * sigma));
                sum += weight * plane[v * 7 + u];
                weights += weight;
            }
        }
        return (float) (sum / weights);
    }

    @Test
    void blurKeepsAnEvenMask() {
        float[] ones = new float[35];
        Arrays.fill(ones, 1);

        for (float value : new Mask(SIZE, ones).blurred(3, 2).values()) {
            assertThat(value).isCloseTo(1f, FLOAT);
        }
    }

    @Test
    void blurBeyondTheMaskIsRefused() {
        assertThatThrownBy(() -> new Mask(SIZE, plane()).blurred(5, 1))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'inpaint_blur_size': 5 is too large for a mask of 7 x 5 latent tokens; use at most 4");
        assertThatThrownBy(() -> new Mask(SIZE, plane()).blurred(-1, 1)).hasMessageContaining("'inpaint_blur_size'");
        for (double sigma : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> new Mask(SIZE, plane()).blurred(1, sigma))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("'inpaint_blur_sigma'");
        }
    }

    private static float[] plane() {
        float[] plane = new float[35];
        for (int i = 0; i < plane.length; i++) {
            plane[i] = i * 37 % 35 / 34f;
        }
        return plane;
    }
}
