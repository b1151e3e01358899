package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.TemplateException;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.TemplateInput;
import io.stencil.template.TinyPipeline;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DataProcessorTest {

    private static final String SOURCE = """
            import io.stencil.flux2.transformer.TransformerConfig;
            import io.stencil.pipeline.Flux2Pipeline;
            import io.stencil.template.*;
            import java.util.Optional;
            public final class Model implements Template<Model.Input, Model.Input> {
                public record Input(double scale) {}
                public record Row(int percent) {}
                public TemplateModel<Input, Input> model(TransformerConfig base) { return new Net(); }
                public Weights weights() { return Weights.random(0); }
                @Override public Optional<DataProcessor<?, Input>> dataProcessor() {
                    return Optional.of(new Percent());
                }
                static final class Percent implements DataProcessor<Row, Input> {
                    public Input process(Row row) { return new Input(row.percent() / 100.0); }
                }
                static final class Net extends TemplateModel<Input, Input> {
                    public Input processInputs(Input in, Flux2Pipeline pipeline) { return in; }
                    public TemplateCache forward(Input in, ForwardContext context) { return TemplateCache.empty(); }
                }
            }
            """;

    @TempDir
    Path folder;

    @Test
    void aRowGoesThroughTheProcessorAndAGenerationDoesNot() throws IOException {
        Files.writeString(folder.resolve("Model.java"), SOURCE);
        try (Flux2Pipeline base = TinyPipeline.base();
                LoadedTemplate<?, ?> template = new TemplateFolder(folder).load(base)) {
            ObjectNode row = JsonNodeFactory.instance.objectNode().put("percent", 80);
            LoadedTemplate.PreparedInput<?> prepared =
                    template.bindRow(row, folder).process(base);
            assertThat(prepared.processed().toString()).isEqualTo("Input[scale=0.8]");
            assertThatThrownBy(() -> template.bindRow(
                            JsonNodeFactory.instance.objectNode().put("scale", 0.8), folder))
                    .hasMessage(
                            "'scale': is not a field that the data processor reads; its record Row has percent (a whole"
                                    + " number)");
            assertThatThrownBy(() -> template.bindRow(JsonNodeFactory.instance.objectNode(), folder))
                    .hasMessage("'percent': is missing; the data processor expects a whole number; its record Row has"
                            + " percent (a whole number)");
        }
    }

    @Test
    void aViewOfRowsTakesThemAsInputsOfAGeneration() throws IOException {
        Files.writeString(folder.resolve("Model.java"), SOURCE);
        ObjectNode row = JsonNodeFactory.instance.objectNode().put("percent", 80);
        TemplateInput input = new TemplateInput(0, row, folder);
        try (Flux2Pipeline base = TinyPipeline.base();
                LoadedTemplate<?, ?> template = new TemplateFolder(folder).load(base)) {
            LoadedTemplate<?, ?> rows = template.ofRows();
            assertThat(rows.model()).isSameAs(template.model());
            assertThat(rows.bind(input).process(base).processed().toString()).isEqualTo("Input[scale=0.8]");
            assertThatThrownBy(() -> template.bind(input))
                    .hasMessage("'percent': is not an input of this Template; it has scale");
        }
    }

    @Test
    void theFieldsOfRowsAndOfInputsAreDescribed() throws IOException {
        String source = SOURCE.replace("Row(int percent)", """
                Row(int percent, Optional<Style> style, java.util.List<Point> points, java.util.List<String> words) {}
                public record Style(double strength) {}
                public record Point(double x, double y)""");
        Files.writeString(folder.resolve("Model.java"), source);
        TemplateFolder template = new TemplateFolder(folder);
        assertThat(template.describeInputs()).contains("scale (a number)");
        assertThat(template.describeRows())
                .contains(
                        "percent (a whole number), style (an object: strength (a number), optional), points (a list, each"
                                + " an object: x (a number), y (a number)), words (a list, each a string)");
    }

    /// A processor may open files of the dataset, whose paths are relative to its folder.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "DataProcessor.WithFolder<Row, Input>|(row, folder) -> read(row, folder)",
                "DataProcessor<Row, Input>|(DataProcessor.WithFolder<Row, Input>) (row, folder) -> read(row, folder)",
                "DataProcessor<?, Input>|new Reading()",
            })
    void aProcessorOpensFilesOfTheDataset(String type, String processor) throws IOException {
        Path dataset = Files.createDirectory(folder.resolve("dataset"));
        Files.writeString(dataset.resolve("0.txt"), "0.25");
        Path code = Files.createDirectory(folder.resolve("template"));
        Files.writeString(
                code.resolve("Model.java"),
                SOURCE.replace("int percent", "String file")
                        .replace("DataProcessor<?, Input>> dataProcessor", type + "> dataProcessor")
                        .replace("new Percent()", processor)
                        .replace("static final class Percent implements DataProcessor<Row, Input> {", """
                                static Input read(Row row, java.nio.file.Path folder) {
                                    try {
                                        return new Input(Double.parseDouble(
                                                java.nio.file.Files.readString(folder.resolve(row.file()))));
                                    } catch (java.io.IOException e) {
                                        throw new java.io.UncheckedIOException(e);
                                    }
                                }
                                static final class Reading implements DataProcessor.WithFolder<Row, Input> {
                                    public Input process(Row row, java.nio.file.Path folder) { return read(row, folder); }
                                }
                                static final class Percent implements DataProcessor<Row, Input> {""")
                        .replace("row.percent() / 100.0", "0"));
        ObjectNode row = JsonNodeFactory.instance.objectNode().put("file", "0.txt");
        assertThat(new TemplateFolder(code).rowBinder().bind(row, dataset)).hasToString("Input[scale=0.25]");
        assertThatThrownBy(() -> new TemplateFolder(code).rowBinder().bind(row, folder))
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("Model.java:")
                .hasMessageContaining("the data processor threw UncheckedIOException")
                .hasMessageContaining(folder.resolve("0.txt").toString());
    }

    @Test
    void withoutADataProcessorRowsHaveTheInputs() throws IOException {
        assertThat(ModelSource.GOOD.in(folder).describeRows()).isEmpty();
    }

    @Test
    void aLambdaThatHidesItsRowIsRefused() throws IOException {
        Files.writeString(
                folder.resolve("Model.java"),
                SOURCE.replace("new Percent()", "(DataProcessor<Row, Input>) row -> new Input(row.percent())"));
        try (Flux2Pipeline base = TinyPipeline.base()) {
            assertThatThrownBy(() -> new TemplateFolder(folder).check(base))
                    .hasMessageContaining("dataProcessor() does not say which record it reads");
        }
    }
}
