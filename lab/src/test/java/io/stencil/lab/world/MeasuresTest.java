package io.stencil.lab.world;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MeasuresTest {

    private static final ImageSize SIZE = new ImageSize(64, 64);
    private static final RgbImage GREY = RgbImage.filled(new ImageSize(4, 4), 0x808080);

    @Test
    void correlationOfValuesAndOfRanks() {
        double[] x = {1, 2, 3, 4};

        assertThat(Statistics.pearson(x, new double[] {3, 5, 7, 9})).isCloseTo(1, within(1e-12));
        assertThat(Statistics.pearson(x, new double[] {1, 3, 2, 4})).isCloseTo(0.8, within(1e-12));
        assertThat(Statistics.spearman(x, new double[] {1, 10, 100, 1000})).isCloseTo(1, within(1e-12));
        assertThat(Statistics.spearman(x, new double[] {9, 4, 1, 0})).isCloseTo(-1, within(1e-12));
        // ranks 0.5, 0.5, 2, 3 against 0, 1, 2, 3
        assertThat(Statistics.spearman(new double[] {5, 5, 6, 7}, x)).isCloseTo(4.5 / Math.sqrt(22.5), within(1e-12));
        assertThat(Statistics.pearson(x, new double[] {2, 2, 2, 2})).isNaN();
        assertThatThrownBy(() -> Statistics.pearson(x, new double[] {1, 2}))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("4 and 2");
    }

    @Test
    void overlapAndSignalToNoise() {
        Plane left = Plane.of(SIZE, (x, y) -> x < 32 ? 1 : 0);
        Plane middle = Plane.of(SIZE, (x, y) -> x >= 16 && x < 48 ? 1 : 0.2);

        assertThat(Statistics.overlap(left, middle)).isCloseTo(1 / 3.0, within(1e-9));
        assertThat(Statistics.overlap(left, left)).isEqualTo(1);
        assertThat(Statistics.overlap(left, Plane.of(SIZE, (x, y) -> 0))).isZero();
        RgbImage brighter = RgbImage.filled(GREY.size(), 0x8A8A8A);
        assertThat(Statistics.psnr(GREY, brighter)).isCloseTo(20 * Math.log10(25.5), within(1e-9));
        assertThat(Statistics.psnr(GREY, GREY)).isInfinite();
        assertThatThrownBy(() -> Statistics.psnr(GREY, RgbImage.filled(SIZE, 0)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("4 x 4 and 64 x 64");
    }

    @Test
    void differencesAreTakenOnOneSideOfAMask() {
        Plane leftHalf = Plane.of(SIZE, (x, y) -> x < 32 ? 1 : 0);
        RgbImage mask = Canvas.of(_ -> leftHalf).toImage();
        RgbImage black = RgbImage.filled(SIZE, 0);

        assertThat(Statistics.differenceOutside(mask, black, mask)).isZero();
        assertThat(Statistics.differenceOutside(RgbImage.filled(SIZE, 0xFFFFFF), black, mask))
                .as("no sample")
                .isNaN();
        assertThat(Statistics.differenceOutside(black, black, mask)).isCloseTo(0.5, within(1e-9));
        assertThat(Statistics.differenceInside(mask, black, mask)).isCloseTo(1, within(1e-9));
        assertThat(Statistics.differenceInside(black, black, mask))
                .as("no sample")
                .isNaN();
    }

    @Test
    void statisticsOfPixels() {
        RgbImage orange = RgbImage.filled(SIZE, 0xFF8000);

        assertThat(Statistics.channelMean(orange, 0)).isEqualTo(1);
        assertThat(Statistics.channelMean(orange, 2)).isZero();
        assertThat(Statistics.meanBrightness(orange)).isCloseTo((1 + 128 / 255.0) / 3, within(1e-9));
        assertThat(Statistics.meanSaturation(orange)).isEqualTo(1);
        assertThat(Statistics.meanSaturation(GREY)).isZero();
        assertThat(Statistics.gradientEnergy(GREY)).isZero();
        assertThat(Statistics.gradientEnergy(RgbImage.filled(SIZE, 0))).isZero();
    }

    @Test
    void gradientEnergyFallsWithBlurAndNotWithLight() {
        for (int index = 0; index < 30; index++) {
            Scene scene = Scene.full(new Draws(21, index));
            Surface surface = Surface.of(scene, SIZE);
            Light light = scene.light().withBrightness(0.9);
            double before = Statistics.gradientEnergy(surface.lit(light).toImage());
            assertThat(Statistics.gradientEnergy(
                            surface.lit(light.withBrightness(0.6)).toImage()))
                    .isCloseTo(before, within(0.1 * before));
            for (double sigma = 0.5; sigma < 3; sigma += 0.5) {
                double after = Statistics.gradientEnergy(
                        surface.lit(light).blurred(sigma).toImage());
                assertThat(after).isLessThan(before);
                before = after;
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void moreOfAStyleScoresHigher(Style style) {
        for (int index = 0; index < 30; index++) {
            Scene scene = Scene.full(new Draws(22, index));
            Canvas plain = Surface.of(scene, SIZE).lit(scene.light());
            double before = Double.NEGATIVE_INFINITY;
            for (int strength = 0; strength <= 4; strength++) {
                double score = Statistics.styleScore(
                        style, style.apply(plain, strength / 4.0).toImage());
                assertThat(score).isGreaterThan(before);
                before = score;
            }
        }
    }

    @Test
    void dotsAreCounted() {
        for (int index = 0; index < 60; index++) {
            Scene scene = Scene.full(new Draws(23, index), Description.ShapeSize.LARGE, Description.Position.CENTER);
            int count = index % (Surface.Dots.MOST + 1);
            RgbImage image = Surface.Dots.on(Surface.of(scene, SIZE), count)
                    .lit(scene.light())
                    .toImage();
            assertThat(Statistics.dots(image)).isEqualTo(count);
        }
    }
}
