package io.stencil.lab.world;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.stencil.image.ImageSize;
import io.stencil.image.Resampler;
import io.stencil.image.RgbImage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RendererTest {

    private static final ImageSize SIZE = new ImageSize(64, 64);
    private static final Light PLAIN = new Light(1, new Light.Albedo(1, 1, 1), 0, 0);

    private static Scene scene(Description.Figure figure, Light light) {
        Description described =
                new Description(figure, Description.ShapeColour.RED, Description.Background.TEAL, null, null);
        return new Scene(described, Scene.Phrasing.SHAPE_FIRST, new Scene.Placement(0.5, 0.5, 0.2, 0.1), light, 9);
    }

    @Test
    void theSameSceneIsTheSameBytes() {
        RgbImage once = Renderer.paint(Scene.captioned(new Draws(1, 2)), SIZE);

        assertThat(Renderer.paint(Scene.captioned(new Draws(1, 2)), SIZE)).isEqualTo(once);
        assertThat(Renderer.paint(Scene.captioned(new Draws(1, 3)), SIZE)).isNotEqualTo(once);
        assertThat(Renderer.paint(Scene.captioned(new Draws(2, 2)), SIZE)).isNotEqualTo(once);
    }

    /// Other pixels are another world: models trained on it, and their measures, would no longer fit.
    @Test
    void imagesStayWhatTheyAre() {
        int[][] pixels = {
            {0, 0, 0xEB83A9}, {20, 30, 0xB63CF8}, {63, 10, 0xF387AF}, {40, 60, 0xDD7B9F}, {12, 34, 0xB43BF5}
        };
        RgbImage image = Renderer.paint(Scene.captioned(new Draws(3, 1)), SIZE);

        for (int[] pixel : pixels) {
            for (int channel = 0; channel < 3; channel++) {
                assertThat(image.sample(pixel[0], pixel[1], channel))
                        .as("channel %s at (%s, %s)", channel, pixel[0], pixel[1])
                        .isCloseTo(pixel[2] >> (16 - 8 * channel) & 0xFF, within(1));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aFigureCoversItsArea(Description.Figure figure) {
        Plane coverage = Renderer.coverage(figure, new Scene.Placement(0.5, 0.5, 0.2, 0.1), SIZE);

        double hole =
                figure == Description.Figure.RING ? Math.PI * Description.Figure.HOLE * Description.Figure.HOLE : 0;
        assertThat(coverage.mean()).isCloseTo(0.04 * (figure.area() - hole), within(0.001));
        assertThat(coverage.at(0, 0)).isZero();
        long soft = 0;
        for (float value : coverage.values()) {
            soft += value > 0.02 && value < 0.98 ? 1 : 0;
        }
        assertThat(soft).as("pixels of the edge").isBetween(60L, 450L);
    }

    @Test
    void shapeAndBackgroundHaveTheirColours() {
        RgbImage image = Renderer.paint(scene(Description.Figure.SQUARE, PLAIN), SIZE);

        for (int channel = 0; channel < 3; channel++) {
            assertThat(image.sample(32, 32, channel) / 255.0)
                    .isCloseTo(Description.ShapeColour.RED.albedo().channel(channel), within(0.1));
            assertThat(image.sample(3, 60, channel) / 255.0)
                    .isCloseTo(Description.Background.TEAL.albedo().channel(channel), within(0.06));
        }
    }

    @Test
    void lightMakesBrighterAndDarkerAndNeverCutsOff() {
        Scene scene = scene(Description.Figure.CIRCLE, PLAIN);
        Surface surface = Surface.of(scene, SIZE);
        double before = 0;
        for (double brightness = 0.2; brightness < 5; brightness *= 1.3) {
            Canvas lit = surface.lit(PLAIN.withBrightness(brightness));
            double mean = lit.channels().get(1).mean();
            assertThat(mean).isGreaterThan(before);
            assertThat(lit.brightest(32, 32)).isLessThanOrEqualTo(1);
            before = mean;
        }
        Canvas sideways = surface.lit(new Light(1, new Light.Albedo(1, 1, 1), 0.2, 0));
        assertThat(sideways.mean(60, 5) / sideways.mean(3, 5)).isGreaterThan(1.15f);
    }

    @Test
    void theSizeOfTheImageDoesNotChangeTheScene() {
        for (int index = 0; index < 20; index++) {
            Scene scene = Scene.captioned(new Draws(8, index));
            RgbImage large = Renderer.paint(scene, new ImageSize(128, 128));
            RgbImage small = Resampler.resize(large, SIZE, Resampler.Filter.BILINEAR);
            RgbImage painted = Renderer.paint(scene, SIZE);
            double difference = 0;
            for (int at = 0; at < small.rgb().length; at++) {
                difference += Math.abs((small.rgb()[at] & 0xFF) - (painted.rgb()[at] & 0xFF));
            }
            assertThat(difference / small.rgb().length).isLessThan(3.5);
        }
    }

    @Test
    void depthTellsNoColour() {
        Scene red = scene(Description.Figure.RING, PLAIN);
        Scene blue = red.with(
                red.described().withColour(Description.ShapeColour.BLUE).withBackground(Description.Background.PINK));

        RgbImage depth = Renderer.depth(red, SIZE);

        assertThat(Renderer.depth(blue, SIZE)).isEqualTo(depth);
        assertThat(depth.sample(32, 32, 0)).as("the hole").isLessThan(80);
        assertThat(depth.sample(32 + 9, 32, 0)).as("the ring").isGreaterThan(220);
        assertThat(depth.sample(5, 60, 0)).as("the floor comes nearer").isGreaterThan(depth.sample(5, 4, 0) + 20);
    }
}
