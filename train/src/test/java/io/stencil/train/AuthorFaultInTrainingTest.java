package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.TemplateException;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What an author's code does wrong while it is trained is reported with its line and the row.
class AuthorFaultInTrainingTest {

    private static final String SOURCE = """
            import io.stencil.flux2.transformer.*;
            import io.stencil.nn.*;
            import io.stencil.pipeline.Flux2Pipeline;
            import io.stencil.template.*;
            import io.stencil.tensor.*;
            import java.util.*;
            import org.bytedeco.pytorch.Tensor;
            public final class Model implements Template<Model.Input, Model.Input> {
                public record Input(double scale) {}
                public record Row(double scale) {}
                public Optional<DataProcessor<Row, Input>> dataProcessor() {
                    return Optional.of(row -> new Input(row.scale()));
                }
                public TemplateModel<Input, Input> model(TransformerConfig base) { return new Net(); }
                public Weights weights() { return Weights.random(0); }
                static final class Net extends TemplateModel<Input, Input> {
                    private OwnedTensor kept;
                    private int calls;
                    private final Parameter start = parameter("start", Initializer.normal(1), 1, 4, 4, 32);
                    private final Linear linear = module("linear", new Linear(32, 32, true));
                    public Input processInputs(Input in, Flux2Pipeline pipeline) {
                        return in;
                    }
                    public TemplateCache forward(Input in, ForwardContext context) {
                        Tensor k = Ops.mul(start.get(), in.scale());
                        k = context.checkpointing().run(x -> run(x.getFirst()), List.of(k)).getFirst();
                        return TemplateCache.of(new KvCache(Map.of(BlockId.parse("double_1"), new KeyValue(k, k))));
                    }
                    private List<Tensor> run(Tensor x) {
                        return List.of(linear.forward(x));
                    }
                }
            }
            """;

    @TempDir
    private Path folder;

    private Path source = Path.of("");
    private TinyDataset dataset = new TinyDataset(Path.of(""));

    @BeforeEach
    void paint() throws IOException {
        dataset = TinyDataset.paint(Files.createDirectory(folder.resolve("data")), 4);
        source = Files.createDirectory(folder.resolve("template")).resolve("Model.java");
    }

    private TrainOptions.Builder options(String part, String replacement) throws IOException {
        assertThat(SOURCE).contains(part);
        Files.writeString(source, SOURCE.replace(part, replacement));
        return dataset.options(folder.resolve("out"))
                .template(source.getParent())
                .shuffle(false)
                .maxSteps(3);
    }

    private static void train(TrainOptions.Builder options) {
        new Trainer().run(options.build(), new TrainingListener() {});
    }

    @Test
    void theTemplateTrains() throws IOException {
        train(options("return in;", "return in;"));
        assertThat(folder.resolve("out")).isNotEmptyDirectory();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 2})
    void whatProcessInputsThrowsNamesLineAndRow(int workers) throws IOException {
        TrainOptions.Builder options = options(
                "return in;",
                "if (in.scale() == 0.4) throw new IllegalArgumentException(\"no such scale \" + in.scale()); return in;");
        assertThatThrownBy(() -> train(options.workers(workers)))
                .isInstanceOf(TemplateException.class)
                .hasMessage(
                        "%s:22: processInputs() threw IllegalArgumentException: no such scale 0.4; called with the row %s:2",
                        source, dataset.folder().resolve("metadata.jsonl"));
    }

    @Test
    void whatADataProcessorThrowsNamesRowAndLine() throws IOException {
        TrainOptions.Builder options =
                options("new Input(row.scale())", "new Input(List.of(1, 2).get(row.scale() == 0.4 ? 3 : 0))");
        assertThatThrownBy(() -> train(options))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(
                        "%s:2: 'template_inputs': %s:12: the data processor threw IndexOutOfBoundsException: Index: 3 Size: 2",
                        dataset.folder().resolve("metadata.jsonl"), source);
    }

    @Test
    void aRowThatTheDataProcessorDoesNotKnowIsToldInItsWords() throws IOException {
        TrainOptions.Builder options =
                options("Row(double scale) {}", "Row(double amount) { double scale() { return amount; } }");
        assertThatThrownBy(() -> train(options))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(
                        "%s:1: 'template_inputs.scale': is not a field that the data processor reads; its record Row has amount (a number)",
                        dataset.folder().resolve("metadata.jsonl"));
    }

    @Test
    void aTensorWithTheGraphOfAnEarlierStepNamesItsField() throws IOException {
        TrainOptions.Builder options = options(
                "return List.of(linear.forward(x));",
                "if (kept == null) { kept = new OwnedTensor(start.get().mul(start.get())); }"
                        + " return List.of(linear.forward(x).add(kept.get()));");
        assertThatThrownBy(() -> train(options))
                .isInstanceOf(TemplateException.class)
                .hasMessageStartingWith(source
                        + ": the backward pass of forward() uses a tensor of an earlier call, whose gradient graph was freed by"
                        + " the backward pass; compute it in each call, or keep tensor.detach(); look at field Net.kept"
                        + " (RuntimeException: Trying to backward through the graph a second time")
                .hasMessageEndingWith("have already been freed).)");
    }

    @Test
    void whatASegmentThrowsInTheBackwardPassNamesItsLine() throws IOException {
        TrainOptions.Builder options = options(
                "return List.of(linear.forward(x));",
                "if (calls++ > 0) { throw new IllegalStateException(\"once too often\"); } return List.of(linear.forward(x));");
        assertThatThrownBy(() -> train(options.gradientCheckpointing(true)))
                .isInstanceOf(TemplateException.class)
                .hasMessage(
                        "%s:30: the backward pass of forward() threw IllegalStateException: once too often", source);
    }

    /// Training would go on without changing anything.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "k = k.detach();",
                "try (io.stencil.autograd.GradMode _ = io.stencil.autograd.GradMode.disabled()) { k = linear.forward(k); }",
                "k = Tensors.zeros(DType.FLOAT32, Device.CPU, 1, 4, 4, 32);"
            })
    void anOutputWithoutGradientsNamesTheLineOfItsReturn(String cut) throws IOException {
        TrainOptions.Builder options = options(
                "return TemplateCache.of(new KvCache", cut + "\n            return TemplateCache.of(new KvCache");
        assertThatThrownBy(() -> train(options))
                .isInstanceOf(TemplateException.class)
                .hasMessage(
                        "%s:28: forward() returned tensors that do not depend on any trained parameter, so that no gradient"
                                + " reaches them and training would change nothing; compute them in forward() from registered"
                                + " parameters, without detach() and not from results of processInputs() alone, and train those"
                                + " parts (--trainable_models)",
                        source);
    }
}
