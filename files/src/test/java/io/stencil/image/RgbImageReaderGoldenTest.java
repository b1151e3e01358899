package io.stencil.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every kind of image file against what Pillow makes of it.
class RgbImageReaderGoldenTest {

    /// Largest difference of the files whose decoders here and in Pillow's libraries smooth colour planes or block
    /// edges differently. The test images have the hardest edges there are.
    private static final Map<String, Integer> APPROXIMATE = Map.of(
            "440.jpg", 30,
            "lossy.webp", 45,
            "lossy_alpha.webp", 58,
            "lossy_large.webp", 48,
            "lossy_profile.webp", 45,
            "lossy_smooth.webp", 20);

    /// A decoder that filters blocks before it predicts from them drifts by several levels over an image.
    private static final double DRIFT = 0.5;

    private static Stream<String> files() {
        return Images.files(Images.folder("decode")).stream()
                .map(file -> file.getFileName().toString())
                .filter(name -> !name.endsWith(".ppm"));
    }

    @ParameterizedTest
    @MethodSource("files")
    void pixelsEqualPillows(String name) {
        Path file = Images.folder("decode").resolve(name);
        RgbImage expected = Images.ppm(file.resolveSibling(name + ".ppm"));

        int difference = Images.maxDifference(RgbImageReader.read(file), expected);

        assertThat(difference).isLessThanOrEqualTo(APPROXIMATE.getOrDefault(name, 0));
    }

    @ParameterizedTest
    @MethodSource("files")
    void theSizeIsKnownWithoutThePixels(String name) {
        Path file = Images.folder("decode").resolve(name);

        assertThat(RgbImageReader.size(file))
                .isEqualTo(Images.ppm(file.resolveSibling(name + ".ppm")).size());
    }

    @Test
    void approximateFilesDoNotDrift() {
        for (String name : APPROXIMATE.keySet()) {
            Path file = Images.folder("decode").resolve(name);
            RgbImage expected = Images.ppm(file.resolveSibling(name + ".ppm"));

            double drift = Images.meanExcess(RgbImageReader.read(file), expected);

            assertThat(Math.abs(drift)).as(name).isLessThan(DRIFT);
        }
    }
}
