package io.stencil.image;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CoverCropTest {

    @ParameterizedTest
    @CsvSource({"41, 29, 16, 48", "41, 29, 64, 16", "3, 17, 32, 32", "64, 64, 48, 32", "100, 7, 16, 16"})
    void partOfAResizedImageEqualsThePartCutOutAfterwards(int width, int height, int targetWidth, int targetHeight) {
        RgbImage image = Images.random(width, height, 1);
        double scale = Math.max((double) targetWidth / width, (double) targetHeight / height);
        ImageSize whole = new ImageSize((int) Math.rint(width * scale), (int) Math.rint(height * scale));
        RgbImage resized = Resampler.resize(image, whole, Resampler.Filter.BILINEAR);
        int left = (int) Math.rint((whole.width() - targetWidth) / 2.0);
        int top = (int) Math.rint((whole.height() - targetHeight) / 2.0);

        RgbImage fitted = Resampler.cover(image, new ImageSize(targetWidth, targetHeight));

        assertThat(fitted.size()).isEqualTo(new ImageSize(targetWidth, targetHeight));
        for (int y = 0; y < targetHeight; y++) {
            for (int x = 0; x < targetWidth; x++) {
                assertThat(fitted.pixel(x, y)).isEqualTo(resized.pixel(left + x, top + y));
            }
        }
    }

    /// The image that is cropped would have 10 gigapixels.
    @ParameterizedTest
    @CsvSource({"1, 10000", "10000, 1"})
    void anImageOfExtremeRatioNeedsNoMemoryForWhatIsCutOff(int width, int height) {
        RgbImage line = RgbImage.filled(new ImageSize(width, height), 0x123456);
        ImageSize target = new ImageSize(1024, 1024);

        assertThat(Resampler.cover(line, target)).isEqualTo(RgbImage.filled(target, 0x123456));
    }

    @ParameterizedTest
    @CsvSource({"64, 64", "32, 64"})
    void halfAPixelIsRoundedToTheEvenNeighbour(int width, int height) {
        RgbImage image = Images.random(width, height, 2);

        // 64 - 29 = 35, half of it 17.5: 18; 64 - 27 = 37, half of it 18.5: 18.
        int offset = 18;
        for (int side : new int[] {27, 29}) {
            RgbImage cropped = Resampler.cover(image, new ImageSize(width, side));
            assertThat(cropped.pixel(0, 0)).isEqualTo(image.pixel(0, offset));
        }
    }
}
