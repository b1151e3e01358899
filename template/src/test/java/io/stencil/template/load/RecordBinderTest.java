package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.StencilException;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.testing.TestFiles;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RecordBinderTest {

    public enum Merge {
        CONCAT,
        SUM
    }

    public record Style(double strength) {}

    public record Everything(
            double scale, int steps, boolean force, String prompt, Merge mergeType, List<Integer> loraIds, double R) {}

    public record Pictures(RgbImage image, Optional<Style> style) {}

    private static ObjectNode json(String text) throws JsonProcessingException {
        return (ObjectNode) new ObjectMapper().readTree(text.replace('\'', '"'));
    }

    private static final String COMPLETE =
            "{'scale':0.5,'steps':3,'force':true,'prompt':'a','merge_type':'SUM','lora_ids':[1,2],'R':1}";

    @Test
    void everySupportedTypeIsBound() throws JsonProcessingException {
        assertThat(new RecordBinder<>(Everything.class).bind(json(COMPLETE), Path.of("")))
                .isEqualTo(new Everything(0.5, 3, true, "a", Merge.SUM, List.of(1, 2), 1));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "'scale':0.5|'scale':'bright'|'scale': must be a number, found \"\"bright\"\"",
                "'scale':0.5|'scale':null|'scale': is missing; expected a number",
                "'scale':0.5,||'scale': is missing; expected a number",
                "'scale':0.5|'scael':0.5|'scael': is not an input of this Template; it has scale, steps",
                "'steps':3|'steps':3.5|'steps': must be a whole number, found 3.5",
                "'steps':3|'steps':30000000000|'steps': must be a whole number from -2147483648 to 2147483647, found 30000000000",
                "'steps':3|'steps':'3'|'steps': must be a whole number, found",
                "'force':true|'force':1|'force': must be true or false, found 1",
                "'prompt':'a'|'prompt':7|'prompt': must be a string, found 7",
                "'SUM'|'MEAN'|'merge_type': must be one of [CONCAT, SUM], found",
                "[1,2]|[1,'x']|'lora_ids[1]': must be a whole number, found",
                "[1,2]|5|'lora_ids': must be",
            })
    void whatDoesNotFitIsNamed(String part, String replacement, String message) throws JsonProcessingException {
        ObjectNode broken = json(COMPLETE.replace(part, replacement == null ? "" : replacement));
        assertThatThrownBy(() -> new RecordBinder<>(Everything.class).bind(broken, Path.of("")))
                .isInstanceOf(StencilException.class)
                .hasMessageContaining(message.replace("\"\"", "\""));
    }

    @Test
    void aPictureIsAPathAndAnOptionalFieldMayBeAbsent() throws JsonProcessingException {
        Path folder = TestFiles.golden("");
        Pictures bound = new RecordBinder<>(Pictures.class).bind(json("{'image':'edit.png'}"), folder);
        assertThat(bound.style()).isEmpty();
        assertThat(bound.image()).isEqualTo(RgbImageReader.read(folder.resolve("edit.png")));
        Pictures styled =
                new RecordBinder<>(Pictures.class).bind(json("{'image':'edit.png','style':{'strength':2}}"), folder);
        assertThat(styled.style()).contains(new Style(2));
    }

    @Test
    void aPictureThatIsNotThereIsNamed() {
        assertThatThrownBy(() ->
                        new RecordBinder<>(Pictures.class).bind(json("{'image':'gone.png'}"), TestFiles.golden("")))
                .isInstanceOf(StencilException.class)
                .hasMessageContaining("gone.png");
    }
}
