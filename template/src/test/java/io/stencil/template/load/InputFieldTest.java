package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.TemplateException;
import io.stencil.image.RgbImage;
import io.stencil.template.InputField;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Ranges and defaults of inputs, and the JSON Schema that is made of an input record.
class InputFieldTest {

    public enum Light {
        DAY,
        NIGHT
    }

    public record Point(@InputField(min = 0, max = 0.5) double x, double y) {}

    public record Input(
            @InputField(min = 0, max = 1, defaultValue = "0.25", description = "mean brightness")
            double scale,

            @InputField(min = 1) int count,
            @InputField(max = 10) List<Double> weights,
            @InputField(defaultValue = "\"DAY\"") Light light,
            Optional<Boolean> soft,
            String prompt,
            RgbImage image,
            RgbImage inpaintMask,
            List<Point> points) {}

    private static final String COMPLETE =
            "{'count':2,'weights':[1,10],'prompt':'a','image':'edit.png','inpaint_mask':'mask.png','points':[{'x':0.5,'y':7}]}";

    private static JsonNode json(String text) throws JsonProcessingException {
        return new ObjectMapper().readTree(text.replace('\'', '"'));
    }

    private static Input bind(String text) throws JsonProcessingException {
        return new RecordBinder<>(Input.class).bind((ObjectNode) json(text), TestFiles.golden(""));
    }

    @Test
    void theFieldsAreDescribedWithTheirRanges() {
        assertThat(new RecordBinder<>(Input.class).describe())
                .isEqualTo("scale (a number from 0 to 1, optional), count (a whole number of at least 1),"
                        + " weights (a list, each a number of at most 10), light (one of [DAY, NIGHT], optional),"
                        + " soft (true or false, optional), prompt (a string), image (the path of an image),"
                        + " inpaint_mask (the path of an image),"
                        + " points (a list, each an object: x (a number from 0 to 0.5), y (a number))");
    }

    @Test
    void theSchemaFollowsFromTheRecord() throws JsonProcessingException {
        assertThat((JsonNode) new RecordBinder<>(Input.class).schema()).isEqualTo(json("""
                {'$schema': 'https://json-schema.org/draft/2020-12/schema',
                 'type': 'object',
                 'properties': {
                   'scale': {'type': 'number', 'minimum': 0, 'maximum': 1, 'description': 'mean brightness', 'default': 0.25},
                   'count': {'type': 'integer', 'minimum': 1},
                   'weights': {'type': 'array', 'items': {'type': 'number', 'maximum': 10}},
                   'light': {'type': 'string', 'enum': ['DAY', 'NIGHT'], 'default': 'DAY'},
                   'soft': {'type': 'boolean'},
                   'prompt': {'type': 'string'},
                   'image': {'type': 'string', 'contentEncoding': 'base64', 'x-stencil-type': 'image'},
                   'inpaint_mask': {'type': 'string', 'contentEncoding': 'base64', 'x-stencil-type': 'mask'},
                   'points': {'type': 'array', 'items': {
                     'type': 'object',
                     'properties': {'x': {'type': 'number', 'minimum': 0, 'maximum': 0.5}, 'y': {'type': 'number'}},
                     'required': ['x', 'y'],
                     'additionalProperties': false}}},
                 'required': ['count', 'weights', 'prompt', 'image', 'inpaint_mask', 'points'],
                 'additionalProperties': false}
                """));
    }

    @Test
    void anAbsentFieldHasItsDefault() throws JsonProcessingException {
        Input bound = bind(COMPLETE);
        assertThat(bound.scale()).isEqualTo(0.25);
        assertThat(bound.light()).isEqualTo(Light.DAY);
        assertThat(bind(COMPLETE.replace("'count'", "'light':'NIGHT','count'")).light())
                .isEqualTo(Light.NIGHT);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"count\":2 | \"count\":0 | 'count': must be at least 1, found 0",
                "\"count\":2 | \"count\":2,\"scale\":1.5 | 'scale': must be from 0 to 1, found 1.5",
                "10] | 10.5] | 'weights': holds a value that must be at most 10, found 10.5",
                "\"x\":0.5 | \"x\":-1 | 'points[0].x': must be from 0 to 0.5, found -1.0",
            })
    void aValueOutOfItsRangeIsNamed(String part, String replacement, String message) {
        String broken = COMPLETE.replace('\'', '"').replace(part, replacement);
        assertThatThrownBy(() -> bind(broken))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage(message);
    }

    public record NoNumber(@InputField(min = 0) String name) {}

    public record Empty(@InputField(min = 1, max = 0) double value) {}

    public record NoJson(@InputField(defaultValue = "soft") String name) {}

    public record OutOfRange(
            @InputField(min = 0, max = 1, defaultValue = "2")
            double value) {}

    public record OfImage(
            @InputField(defaultValue = "\"a.png\"") RgbImage image) {}

    @ParameterizedTest
    @ValueSource(classes = {NoNumber.class, Empty.class, NoJson.class, OutOfRange.class, OfImage.class})
    void aDeclarationThatCannotBeUsedIsAFaultOfTheTemplate(Class<?> record) {
        assertThatThrownBy(() -> DeclaredField.requireUsable(Path.of("Model.java"), record))
                .isInstanceOf(TemplateException.class)
                .hasMessageStartingWith("Model.java: @InputField of component '%s' of record %s declares the "
                        .formatted(record.getRecordComponents()[0].getName(), record.getSimpleName()));
    }

    @Test
    void aTemplateIsCheckedWhenItIsLoaded(@TempDir Path folder) throws IOException {
        TemplateFolder template = ModelSource.GOOD
                .with("double scale", "@InputField(min = 2, max = 1) double scale")
                .in(folder);
        assertThatThrownBy(template::describeInputs)
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("@InputField of component 'scale' of record Input declares the range 2.0 to 1.0");
    }
}
