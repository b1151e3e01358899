package io.stencil.template.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.autograd.Checkpointing;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.TemplateException;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.TemplateInput;
import io.stencil.template.TinyPipeline;
import io.stencil.tensor.Scope;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What an author's code throws, or gives and the base model cannot use, is told with the Template's file.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AuthorFaultTest {

    private static final String PROCESSOR = """
            public record Row(int percent) {}
                public Optional<DataProcessor<Row, Input>> dataProcessor() {
                    return Optional.of(row -> new Input(100 / row.percent()));
                }
                public TemplateModel""";

    @TempDir
    Path folder;

    private Flux2Pipeline base;

    @BeforeAll
    void loadBase() {
        base = TinyPipeline.transformerOnly();
    }

    @AfterAll
    void closeBase() {
        base.close();
    }

    private void run(ModelSource source) throws IOException {
        ObjectNode fields = JsonNodeFactory.instance.objectNode().put("scale", 1);
        try (Scope _ = new Scope();
                LoadedTemplate<?, ?> template = source.in(folder).load(base)) {
            template.run(new TemplateInput(0, fields, folder), new ForwardContext(base, Checkpointing.OFF));
        }
    }

    @Test
    void aTemplateThatKeepsTheContractRuns() throws IOException {
        run(ModelSource.GOOD);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "return in;|throw new IllegalStateException();|:12: processInputs() threw IllegalStateException",
                "return in;|return null;|: processInputs() returned null",
                "return TemplateCache.empty();|return null;|: forward() returned null",
                "return TemplateCache.empty();|return List.<TemplateCache>of().get(0);"
                        + "|:13: forward() threw ArrayIndexOutOfBoundsException: Index 0 out of bounds for length 0",
                "public record|static { if (true) throw new IllegalStateException(); } public record"
                        + "|:8: the constructor of Model threw ExceptionInInitializerError; caused by IllegalStateException",
                "public record|public Model() { throw new UnsupportedOperationException(); } public record"
                        + "|:8: the constructor of Model threw UnsupportedOperationException",
                "public record|public Optional<DataProcessor<?, Input>> dataProcessor() { return null; } public record"
                        + "|: dataProcessor() returned null",
                "return new Net();|throw new AssertionError(~odd~);|:9: model(base) threw AssertionError: odd",
                "return Weights.random(0);|return Weights.files();"
                        + "|:10: weights() failed: 'weights': name a file, or ask for random weights",
                "return TemplateCache.empty();|try { Integer.parseInt(~many~); return TemplateCache.empty(); }"
                        + " catch (RuntimeException e) { throw new IllegalStateException(~outer~, e); }"
                        + "|:13: forward() threw IllegalStateException: outer; caused by NumberFormatException: For input"
                        + " string: ~many~",
                "return TemplateCache.empty();|return deep(); } TemplateCache deep() { return deep();"
                        + "|:13: forward() threw StackOverflowError",
                "public Input processInputs"
                        + "|public void initializeFrom(io.stencil.pipeline.models.ModelSet base) { List.of(0).clear(); }"
                        + " public Input processInputs"
                        + "|:12: initializeFrom(base) threw UnsupportedOperationException",
                "return in;|try { throw new java.io.IOException(~no such file~); } catch (java.io.IOException e)"
                        + " { throw new java.io.UncheckedIOException(e); }"
                        + "|:12: processInputs() threw UncheckedIOException: no such file;"
                        + " caused by IOException: no such file",
            })
    void whatTheCodeThrowsIsToldInOneLine(String part, String replacement, String message) {
        assertThatThrownBy(() -> run(ModelSource.GOOD.with(part, replacement.replace('~', '"'))))
                .isInstanceOf(TemplateException.class)
                .hasMessage("%s%s", folder.resolve("Model.java"), message.replace('~', '"'));
    }

    /// What Stencil refuses inside the author's code keeps its type where it is due to a user's inputs.
    @Test
    void whatStencilRefusesOfAUsersInputsNamesTheLineToo() {
        ModelSource opening = ModelSource.GOOD.with(
                "return in;", "io.stencil.image.RgbImageReader.read(java.nio.file.Path.of(\"gone.png\")); return in;");
        assertThatThrownBy(() -> run(opening))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith("gone.png: ")
                .hasMessageEndingWith(" (in processInputs(), Model.java:12)");
        ModelSource refusing = ModelSource.GOOD.with("return in;", "TemplateInputs.parse(\"[1]\"); return in;");
        assertThatThrownBy(() -> run(refusing))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'template_inputs': must be an object")
                .hasMessageEndingWith(" (in processInputs(), Model.java:12)");
    }

    @Test
    void theConstructorOfTheInputsIsNamedWithItsLine() {
        ModelSource strict = ModelSource.GOOD.with(
                "double scale) {}",
                "double scale) { public Input { if (scale > 0) throw new IllegalArgumentException(\"is too large\"); } }");
        assertThatThrownBy(() -> run(strict))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'template_inputs': is refused by Input: is too large (Model.java:8)");
    }

    @Test
    void whatTheCodeSaysOfARequestPassesAsItIs() {
        ModelSource strict = ModelSource.GOOD.with(
                "return in;", "throw new io.stencil.error.InvalidRequestException(\"scale\", \"is too large\");");
        assertThatThrownBy(() -> run(strict))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'scale': is too large");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "new KvCache(Map.of(BlockId.parse(~double_7~), new KeyValue(X(1, 2, 4, 32), X(1, 2, 4, 32))))"
                        + "|'kv_cache.double_7': the transformer has no such block; it has 2 double and 3 single ones",
                "new KvCache(Map.of(BlockId.parse(~double_0~), new KeyValue(X(1, 2, 8, 16), X(1, 2, 8, 16))))"
                        + "|'kv_cache.double_0': k and v are [1, 2, 8, 16], the transformer needs [1, L, 4, 32]",
                "new Lora(Map.of(~gone.to_q~, new LoraPair(X(4, 128), X(128, 4))))"
                        + "|'lora': the model has no linear layer named gone.to_q",
                "new Lora(Map.of(~transformer_blocks.0.attn.to_q~, new LoraPair(X(4, 64), X(128, 4))))"
                        + "|'lora': 'transformer_blocks.0.attn.to_q' is a layer of [128, 128]; lora_A must be [r, 128]"
                        + " and lora_B [128, r]",
                "X(1, 7, 64)|'text_embedding': is [1, 7, 64], the transformer needs [1, S, 192]",
                "X(7, 192)|'text_embedding': is [7, 192], the transformer needs [1, S, 192]",
                "DType.INT64.cast(X(1, 7, 192))|'text_embedding': is int64, expected a floating-point dtype; use"
                        + " context.dtype()",
            })
    void aCacheThatDoesNotFitTheBaseModelNamesTheTemplate(String cache, String message) {
        String part = cache.replace('~', '"').replace("X(", "Tensors.zeros(DType.FLOAT32, Device.CPU, ");
        assertThatThrownBy(() -> run(ModelSource.GOOD.giving("TemplateCache.of(" + part + ")")))
                .isInstanceOf(TemplateException.class)
                .hasMessage(
                        "%s:13: forward() gives what the base model cannot use: %s",
                        folder.resolve("Model.java"), message);
    }

    @Test
    void aLambdaServesAsDataProcessorWhereTheDeclarationNamesTheRow() throws IOException {
        ModelSource source = ModelSource.GOOD.with("public TemplateModel", PROCESSOR);
        try (LoadedTemplate<?, ?> template = source.in(folder).load(base)) {
            ObjectNode row = JsonNodeFactory.instance.objectNode().put("percent", 50);
            assertThat(template.bindRow(row, folder).process(base).processed()).hasToString("Input[scale=2.0]");
            assertThatThrownBy(() -> template.bindRow(row.put("percent", 0), folder))
                    .isInstanceOf(TemplateException.class)
                    .hasMessageEndingWith("Model.java:11: the data processor threw ArithmeticException: / by zero");
        }
    }

    @Test
    void theRecordOfRowsMustBeBoundFromJson() throws IOException {
        ModelSource source = ModelSource.GOOD.with(
                "public TemplateModel", PROCESSOR.replace("int percent", "int percent, Map<String, Integer> more"));
        TemplateFolder template = source.in(folder);
        assertThatThrownBy(() -> template.check(base))
                .hasMessageEndingWith("component 'more' of record Row is of type"
                        + " java.util.Map<java.lang.String, java.lang.Integer>, which cannot be bound from JSON");
    }
}
