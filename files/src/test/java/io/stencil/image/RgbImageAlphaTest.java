package io.stencil.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.IntBinaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Alpha is what `generate.py` has put into the files.
class RgbImageAlphaTest {

    private static Path file(String name) {
        return Images.folder("decode").resolve(name);
    }

    private static void assertAlpha(String name, IntBinaryOperator expected) {
        RgbImage alpha = Objects.requireNonNull(RgbImageReader.readAlpha(file(name)));
        assertThat(alpha.size()).isEqualTo(RgbImageReader.read(file(name)).size());
        for (int y = 0; y < alpha.height(); y++) {
            for (int x = 0; x < alpha.width(); x++) {
                assertThat(alpha.pixel(x, y))
                        .as("%s at %s, %s", name, x, y)
                        .isEqualTo(0x010101 * expected.applyAsInt(x, y));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"rgba8.png", "rgba16.png", "grey_alpha8.png", "grey_alpha16.png"})
    void anAlphaChannelIsRead(String name) {
        assertAlpha(name, (x, y) -> (x * 11 + y * 5) % 256);
        assertAlpha("rgba8_interlaced.png", (x, y) -> x * y % 256);
    }

    @Test
    void transparentColoursAreRead() {
        RgbImage grey = RgbImageReader.read(file("grey8.png"));
        RgbImage rgb = RgbImageReader.read(file("rgb8.png"));

        assertAlpha("palette8_transparent.png", (x, y) -> {
            int index = grey.sample(x, y, 0);
            return index < 100 ? 2 * index : 255;
        });
        assertAlpha("grey8_transparent_grey.png", (x, y) -> grey.pixel(x, y) == grey.pixel(5, 2) ? 0 : 255);
        assertAlpha("rgb8_transparent_colour.png", (x, y) -> rgb.pixel(x, y) == rgb.pixel(3, 3) ? 0 : 255);
    }

    @Test
    void losslessWebpHasAlphaInItsPixels() {
        int width = RgbImageReader.read(file("lossless_alpha.webp")).width();

        assertAlpha("lossless_alpha.webp", (x, y) -> (y * width + x) * 7 % 256);
        assertAlpha("lossless_130x3.webp", (_, _) -> 77);
    }

    @ParameterizedTest
    @ValueSource(strings = {"444.jpg", "32.bmp", "rgb8.png", "palette8.png", "lossy.webp", "lossless.webp"})
    void filesWithoutAlphaAreOpaque(String name) {
        assertThat(RgbImageReader.readAlpha(file(name))).isNull();
    }

    @Test
    void theAlphaPlaneOfALossyWebpIsRefused() {
        assertThatThrownBy(() -> RgbImageReader.readAlpha(file("lossy_alpha.webp")))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(
                        file("lossy_alpha.webp")
                                + ": is a lossy WebP with an alpha plane, which cannot be read; save it as PNG or lossless WebP");
    }
}
