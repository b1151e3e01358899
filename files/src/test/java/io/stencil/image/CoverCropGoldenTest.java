package io.stencil.image;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Dataset resizing against the reference's images.
class CoverCropGoldenTest {

    private static final Path GOLDEN = Path.of(System.getProperty("stencil.root"), "testdata", "golden");

    @ParameterizedTest
    @ValueSource(strings = {"resize_0", "resize_1", "resize_2", "resize_3"})
    void pixelsEqualTheReferences(String name) throws IOException {
        JsonNode arguments = new ObjectMapper()
                .readTree(GOLDEN.resolve("resize.json").toFile())
                .required(name);
        TargetSize target = arguments.has("max_pixels")
                ? new TargetSize.MaxPixels(arguments.required("max_pixels").intValue())
                : new TargetSize.Fixed(
                        arguments.required("height").intValue(),
                        arguments.required("width").intValue());

        RgbImage actual = target.fit(RgbImageReader.read(GOLDEN.resolve(name + "_in.png")));

        RgbImage expected = RgbImageReader.read(GOLDEN.resolve(name + "_out.png"));
        assertThat(Images.maxDifference(actual, expected)).isZero();
    }
}
