package io.stencil.lab.world;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The judge is right about images of every light, as they are and as an autoencoder might give them back.
class JudgeTest {

    private static final ImageSize SIZE = new ImageSize(64, 64);

    @ParameterizedTest
    @CsvSource({"64, 500", "128, 150"})
    void cleanImages(int side, int count) {
        Score score = new Images(side, 0, 0).score(count);

        assertThat(score.colourAccuracy()).isGreaterThanOrEqualTo(0.99);
        assertThat(score.backgroundAccuracy()).isGreaterThanOrEqualTo(0.99);
        assertThat(score.figureAccuracy()).isGreaterThanOrEqualTo(0.97);
        assertThat(score.sizeAccuracy()).isGreaterThanOrEqualTo(0.99);
        assertThat(score.positionAccuracy()).isGreaterThanOrEqualTo(0.99);
    }

    @ParameterizedTest
    @CsvSource({"1, 0", "0, 0.03", "1, 0.03", "1.5, 0.05"})
    void blurredAndNoisyImages(double blur, double noise) {
        Score score = new Images(64, blur, noise).score(500);

        assertThat(score.colourAccuracy()).isGreaterThanOrEqualTo(0.97);
        assertThat(score.backgroundAccuracy()).isGreaterThanOrEqualTo(0.97);
        assertThat(score.figureAccuracy()).isGreaterThanOrEqualTo(0.92);
        assertThat(score.sizeAccuracy()).isGreaterThanOrEqualTo(0.95);
        assertThat(score.positionAccuracy()).isGreaterThanOrEqualTo(0.95);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.3, 0.5, 1, 1.8})
    void brightnessAloneChangesNothing(double brightness) {
        Score score = Score.NONE;
        for (int index = 0; index < 100; index++) {
            Scene scene = Scene.full(new Draws(12, index));
            Light light = scene.light().withBrightness(brightness);
            score = score.plus(scene.described(), Judge.look(Renderer.paint(scene.with(light), SIZE)));
        }
        assertThat(score.colour()).isGreaterThanOrEqualTo(99);
        assertThat(score.background()).isGreaterThanOrEqualTo(99);
        assertThat(score.figure()).isGreaterThanOrEqualTo(97);
    }

    @Test
    void placeAndSizeAreMeasured() {
        for (int index = 0; index < 100; index++) {
            Scene scene = Scene.open(new Draws(13, index));
            Judge.Verdict.Shape shape = Objects.requireNonNull(
                    Judge.look(Renderer.paint(scene, SIZE)).shape());
            assertThat(Math.hypot(
                            shape.x() - scene.placement().x(),
                            shape.y() - scene.placement().y()))
                    .as("a turned triangle has other bounds")
                    .isLessThan(1.6 / 64);
            assertThat(shape.radius() / scene.placement().radius()).isBetween(0.96, 1.04);
        }
    }

    @Test
    void theShapeIsCutOutAlongItsEdge() {
        for (int index = 0; index < 100; index++) {
            Scene scene = Scene.open(new Draws(14, index));
            Plane truth = Renderer.coverage(scene.described().figure(), scene.placement(), SIZE);
            Plane seen = Judge.coverage(Renderer.paint(scene, SIZE));
            assertThat(Statistics.overlap(truth, seen)).isGreaterThan(0.9);
        }
    }

    @Test
    void whereIsNoShapeNoneIsSeen() {
        for (int index = 0; index < 50; index++) {
            Scene scene = Scene.full(new Draws(15, index));
            Surface surface = Surface.of(scene, SIZE);
            Plane all = Plane.of(SIZE, (x, y) -> 1);
            Canvas empty =
                    surface.under(all, Description.Background.PINK.albedo()).lit(scene.light());
            SplittableRandom random = new SplittableRandom(index);
            RgbImage image = empty.map(plane -> Plane.of(SIZE, (x, y) -> plane.at(x, y) + 0.02 * random.nextGaussian()))
                    .toImage();
            Judge.Verdict verdict = Judge.look(image);
            assertThat(verdict.background()).isEqualTo(Description.Background.PINK);
            assertThat(verdict.shape()).isNull();
            assertThat(Judge.coverage(image).mean()).isZero();
        }
    }

    @Test
    void anImageOfOneColourIsJustThat() {
        for (int colour : new int[] {0, 0xFFFFFF, 0x6B6B6B}) {
            Judge.Verdict verdict = Judge.look(RgbImage.filled(SIZE, colour));
            assertThat(verdict).isEqualTo(new Judge.Verdict(Description.Background.GRAY, null));
        }
    }

    @Test
    void aTinyImageIsRefused() {
        assertThatThrownBy(() -> Judge.look(RgbImage.filled(new ImageSize(40, 12), 0)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'image': 40 x 12 pixels are too few to judge");
    }

    @Test
    void whatIsWrongIsCountedWrong() {
        Score score = Score.NONE;
        for (int index = 0; index < 200; index++) {
            Scene asked = Scene.full(new Draws(16, index));
            Scene shown = Scene.full(new Draws(17, index));
            score = score.plus(asked.described(), Judge.look(Renderer.paint(shown, SIZE)));
        }
        assertThat(score.colourAccuracy()).isBetween(0.05, 0.3);
        assertThat(score.backgroundAccuracy()).isBetween(0.13, 0.38);
        assertThat(score.figureAccuracy()).isBetween(0.13, 0.38);
        assertThat(score.sizeAccuracy()).isBetween(0.35, 0.65);
        assertThat(score.positionAccuracy()).isBetween(0.08, 0.33);
    }
}
