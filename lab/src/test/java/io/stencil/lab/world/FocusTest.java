package io.stencil.lab.world;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FocusTest {

    private static double edges(RgbImage image) {
        return Statistics.gradientEnergy(Canvas.of(image).blurred(1.5).toImage());
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.3, 0.7, 1})
    void aScaleIsTheShareOfTheEdgesEnergyThatIsLeftFromAFifthToAll(double scale) {
        for (int index = 0; index < 5; index++) {
            Canvas sharp = Renderer.canvas(Scene.captioned(new Draws(21, index)), new ImageSize(64, 64));
            assertThat(edges(Focus.of(sharp, scale)) / edges(sharp.toImage()))
                    .isCloseTo(0.2 + 0.8 * scale, within(0.02));
        }
    }
}
