package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.template.TemplateInput;
import io.stencil.testing.TestFiles;
import java.net.URI;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Template inputs of Java values.
class TypedInputTest {

    public enum Merge {
        CONCAT,
        SUM
    }

    public record Style(double strength, Optional<RgbImage> mask) {}

    public record Input(
            double scale,
            float share,
            int steps,
            long count,
            boolean force,
            String prompt,
            Merge mergeType,
            List<Integer> loraIds,
            RgbImage image,
            List<RgbImage> more,
            Optional<Style> style) {}

    private static final RgbImage IMAGE = RgbImageReader.read(TestFiles.golden("input.png"));
    private static final RgbImage OTHER = RgbImage.filled(new ImageSize(3, 2), 0x123456);
    private static final Input EXPECTED = new Input(
            0.5,
            0.25f,
            3,
            1L << 40,
            true,
            "a wall",
            Merge.SUM,
            List.of(1, 2),
            IMAGE,
            List.of(OTHER, IMAGE),
            Optional.of(new Style(1, Optional.of(OTHER))));

    private static Map<String, Object> values() {
        Map<String, Object> values = new HashMap<>();
        values.put("scale", 0.5);
        values.put("share", 0.25f);
        values.put("steps", 3);
        values.put("count", 1L << 40);
        values.put("force", true);
        values.put("prompt", "a wall");
        values.put("merge_type", Merge.SUM);
        values.put("lora_ids", List.of(1, 2));
        values.put("image", IMAGE);
        values.put("more", Arrays.asList(OTHER, IMAGE));
        values.put("style", Map.of("strength", 1, "mask", Optional.of(OTHER)));
        return values;
    }

    private static Input bind(TemplateInput input) {
        RecordBinder<Input> binder = new RecordBinder<>(Input.class);
        return (input.readsFiles() ? binder : binder.withoutFiles()).bind(input.fields(), input.folder());
    }

    @Test
    void valuesAreBoundToTheRecord() {
        assertThat(bind(TemplateInput.of(2, values()))).isEqualTo(EXPECTED);
        assertThat(TemplateInput.of(2, values()).modelId()).isEqualTo(2);
        Map<String, Object> nested = values();
        nested.put("style", new Style(1, Optional.of(OTHER)));
        assertThat(bind(TemplateInput.of(0, nested))).isEqualTo(EXPECTED);
        assertThat(bind(TemplateInput.of(0, EXPECTED))).isEqualTo(EXPECTED);
    }

    /// Images among paths, for a caller on this machine.
    @Test
    void imagesMayStandBesidePaths() {
        TemplateInput values = TemplateInput.of(0, values());
        values.fields().put("image", "input.png");
        assertThat(bind(new TemplateInput(0, values.fields(), TestFiles.golden(""))))
                .isEqualTo(EXPECTED);
    }

    static List<List<Object>> faults() {
        Map<Object, Object> unnamed = new HashMap<>();
        unnamed.put(7, 1);
        return List.of(
                List.of("image", TestFiles.golden("input.png").toString(), "'image': must be an image, no path, found"),
                List.of("image", 3, "'image': must be an image, no path, found 3"),
                List.of(
                        "more",
                        List.of(OTHER, "input.png"),
                        "'more[1]': must be an image, no path, found \"input.png\""),
                List.of("scale", OTHER, "'scale': must be a number, found \"an image of 3 x 2 pixels\""),
                List.of("prompt", List.of(OTHER), "'prompt': must be a string, found [\"an image of 3 x 2 pixels\"]"),
                List.of("scale", Double.NaN, "'scale': must be a finite number, found"),
                List.of("steps", 0.5, "'steps': must be a whole number, found 0.5"),
                List.of("scael", 0.5, "'scael': is not an input of this Template; it has scale, share"),
                List.of("image", Optional.empty(), "'image': is missing; expected an image, no path"),
                List.of(
                        "prompt",
                        URI.create("file:/x"),
                        "'prompt': is a java.net.URI, which no Template input has; give"),
                List.of("more", List.of(Path.of("x")), "'more[0]': is a sun.nio.fs.UnixPath, which no Template input"),
                List.of("style", unnamed, "'style': has a key that is no string: 7"));
    }

    @ParameterizedTest
    @MethodSource("faults")
    void valuesThatDoNotFitAreNamed(List<Object> fault) {
        Map<String, Object> values = values();
        values.put((String) fault.get(0), fault.get(1));
        assertThatThrownBy(() -> bind(TemplateInput.of(0, values)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith((String) fault.get(2));
    }
}
