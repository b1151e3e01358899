package io.stencil.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TemplateInputsTest {

    private static List<TemplateInput> parse(String json) {
        return TemplateInputs.parse("template_inputs", json.replace('\'', '"'), Path.of("pictures"));
    }

    @Test
    void anObjectIsOneInputOfTheFirstTemplate() {
        assertThat(parse("{'scale':0.5}")).singleElement().satisfies(input -> {
            assertThat(input.modelId()).isZero();
            assertThat(input.fields().toString()).isEqualTo("{\"scale\":0.5}");
            assertThat(input.folder()).isEqualTo(Path.of("pictures"));
        });
    }

    @Test
    void aListKeepsItsOrderAndTheIdIsNoField() {
        List<TemplateInput> inputs = parse("[{'model_id':1,'scale':0.5},{'scale':2},{'model_id':0}]");
        assertThat(inputs).extracting(TemplateInput::modelId).containsExactly(1, 0, 0);
        assertThat(inputs)
                .extracting(input -> input.fields().toString())
                .containsExactly("{\"scale\":0.5}", "{\"scale\":2}", "{}");
        assertThat(parse("[]")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'model_id':1.5}|'template_inputs.model_id': must be a whole number, found 1.5",
                "{'model_id':'1'}|'template_inputs.model_id': must be a whole number, found \"1\"",
                "{'model_id':null}|'template_inputs.model_id': must be a whole number, found null",
                "{'model_id':30000000000}|'template_inputs.model_id': must be a whole number, found 30000000000",
                "0.8|'template_inputs': must be an object",
                "[0.8]|'template_inputs': must be an object",
                "{'scale':0.8|'template_inputs': is not JSON: ",
                "{'scale':0.8} x|'template_inputs': is not JSON: ",
                "{'scale':0.8,'scale':1}|'template_inputs': is not JSON: Duplicate field 'scale'",
                "{'scale':NaN}|'template_inputs': is not JSON: NaN is not a JSON number; expected a finite number",
                "{'scale':-Infinity}|'template_inputs': is not JSON: -Infinity is not a JSON number; expected a finite number",
                "``|'template_inputs': must be an object",
            })
    void whatIsNoInputIsTold(String json, String message) {
        assertThatThrownBy(() -> parse(json))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith(message);
    }
}
