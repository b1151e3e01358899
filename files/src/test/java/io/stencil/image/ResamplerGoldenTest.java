package io.stencil.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Resizing against Pillow, byte by byte: small and large factors, either way, both filters.
class ResamplerGoldenTest {

    /// `SOURCE_WIDTHxHEIGHT_FILTER.ppm`
    private static Stream<String> resized() {
        return Images.files(Images.folder("resize")).stream()
                .map(file -> file.getFileName().toString())
                .filter(name -> name.contains("_"));
    }

    @ParameterizedTest
    @MethodSource("resized")
    void bytesEqualPillows(String name) {
        String[] parts = name.replace(".ppm", "").split("_", -1);
        RgbImage source = Images.ppm(Images.folder("resize").resolve(parts[0] + ".ppm"));
        RgbImage expected = Images.ppm(Images.folder("resize").resolve(name));
        Resampler.Filter filter = Resampler.Filter.valueOf(parts[2].toUpperCase(Locale.ROOT));

        RgbImage actual = Resampler.resize(source, expected.size(), filter);

        assertThat(Images.maxDifference(actual, expected)).isZero();
    }
}
