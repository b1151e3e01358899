package io.stencil.lab.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.json.Json;
import io.stencil.lab.world.DatasetWriter;
import io.stencil.lab.world.DatasetWriter.DatasetPlan;
import io.stencil.lab.world.DatasetWriter.Kind;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.TemplateFolder;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.TestFiles;
import io.stencil.train.Trainer;
import io.stencil.train.Validator;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.options.DataOptions.ExtraInput;
import io.stencil.train.options.ObjectiveOptions.TimestepWeighting;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.validation.ValidationReport;
import io.stencil.train.validation.ValidationReport.Interval;
import io.stencil.train.validation.ValidationReport.SteeringGain;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The steering gain of the brightness example on Tiny Klein, by rows that it was not trained on.
class SteeringGainTest {

    private static final Path TRAINED = TestFiles.root().resolve("examples/brightness");

    private static final ModelFiles MODEL = ModelFiles.in(TestFiles.root().resolve("models/tiny-klein"));
    private static final LoadOptions FLOAT32 = new LoadOptions(DType.FLOAT32, Device.CPU);

    /// Of the world; the example was trained on another.
    private static final long SEED = 777;

    @TempDir
    static Path shared;

    @SuppressWarnings("NullAway.Init")
    private static Flux2Pipeline pipeline;

    @TempDir
    Path folder;

    @BeforeAll
    static void paint() throws IOException {
        DatasetWriter.write(new DatasetPlan(Kind.BRIGHTNESS, 32, SEED, 64), shared.resolve("data"), _ -> {});
        pipeline = Flux2Pipeline.load(MODEL, FLOAT32);
    }

    @AfterAll
    static void close() {
        pipeline.close();
    }

    private static SteeringGain gain(Path template, Path metadata) {
        TrainOptions options = TrainOptions.builder(MODEL, shared.resolve("data"), metadata, shared.resolve("unused"))
                .load(FLOAT32)
                .template(template)
                .trainable(List.of("template_model"))
                .extraInputs(Set.of(ExtraInput.TEMPLATE_INPUTS))
                .seed(1L)
                .set("validation_metadata_path", metadata)
                .build();
        try (LoadedTemplate<?, ?> loaded = new TemplateFolder(template).load(pipeline)) {
            ValidationReport report = Validator.measure(options, pipeline, loaded, TrainingListener.NONE);
            assertThat(report.rows()).isEqualTo(32);
            return Objects.requireNonNull(report.gain());
        }
    }

    private static Interval input(SteeringGain gain) {
        return Objects.requireNonNull(gain.input());
    }

    private static Path metadata() {
        return shared.resolve("data").resolve(DatasetWriter.METADATA);
    }

    @Test
    void aTrainedTemplateHelpsAndUsesItsInput() {
        SteeringGain gain = gain(TRAINED, metadata());

        assertThat(gain.template().low()).isPositive();
        assertThat(input(gain).low()).isPositive();
        assertThat(gain.rows()).isEqualTo(32);
        assertThat(gain.inWords()).isEqualTo("the Template uses its input");
    }

    @Test
    void anUntrainedTemplateDoesNot() throws IOException {
        Path untrained = Files.createDirectory(folder.resolve("untrained"));
        Files.copy(TRAINED.resolve("Model.java"), untrained.resolve("Model.java"));

        SteeringGain gain = gain(untrained, metadata());

        assertThat(gain.template().isPositive()).isFalse();
        assertIncludesZero(input(gain));
        assertThat(gain.inWords()).isEqualTo("the Template does not use its input yet");
    }

    /// The images of the dataset have nothing to do with the inputs of their rows.
    @Test
    void shuffledInputsAreOfNoUse() throws IOException {
        assertIncludesZero(input(gain(TRAINED, shuffled(shared.resolve("data")))));
    }

    /// Of two Templates that begin alike and are trained as long, only the one whose rows have their own inputs learns
    /// to use them.
    @Test
    void aTemplateThatWasTrainedOnShuffledInputsDoesNotUseThem() throws IOException {
        Path data = folder.resolve("training-data");
        DatasetWriter.write(new DatasetPlan(Kind.BRIGHTNESS, 360, 5, 64), data, _ -> {});

        SteeringGain right = gain(trained(data, data.resolve(DatasetWriter.METADATA)), metadata());
        SteeringGain shuffled = gain(trained(data, shuffled(data)), metadata());

        assertThat(input(right).low()).isPositive();
        assertThat(right.inWords()).isEqualTo("the Template uses its input");
        assertIncludesZero(input(shuffled));
        assertThat(shuffled.inWords()).isEqualTo("the Template does not use its input yet");
    }

    /// Trains the brightness example from a random start.
    ///
    /// @return its folder
    private Path trained(Path data, Path metadata) throws IOException {
        Path template = Files.createTempDirectory(folder, "template");
        Files.copy(TRAINED.resolve("Model.java"), template.resolve("Model.java"));
        TrainOptions options = TrainOptions.builder(MODEL, data, metadata, Files.createTempDirectory(folder, "run"))
                .size(64, 64)
                .load(FLOAT32)
                .template(template)
                .trainable(List.of("template_model"))
                .extraInputs(Set.of(ExtraInput.TEMPLATE_INPUTS))
                .seed(0L)
                .maxSteps(45)
                .batchSize(8)
                .learningRate(4e-3)
                .set("max_grad_norm", 1.0)
                .timestepWeighting(TimestepWeighting.NONE)
                .set("remove_prefix_in_ckpt", "pipe.template_model.")
                .build();
        Path weights =
                new Trainer().run(options, TrainingListener.NONE).checkpoints().getLast();
        Files.copy(weights, template.resolve("model.safetensors"));
        return template;
    }

    /// Writes the metadata of a dataset anew, each row with the inputs of another.
    private static Path shuffled(Path data) throws IOException {
        List<JsonNode> rows = new ArrayList<>();
        List<JsonNode> inputs = new ArrayList<>();
        for (String line : Files.readAllLines(data.resolve(DatasetWriter.METADATA))) {
            rows.add(Json.MAPPER.readTree(line));
            inputs.add(rows.getLast().get("template_inputs"));
        }
        Collections.rotate(inputs, 5);
        StringBuilder shuffled = new StringBuilder();
        for (int i = 0; i < rows.size(); i++) {
            ((ObjectNode) rows.get(i)).set("template_inputs", inputs.get(i));
            shuffled.append(rows.get(i)).append('\n');
        }
        Path metadata = data.resolve("shuffled.jsonl");
        Files.writeString(metadata, shuffled);
        return metadata;
    }

    private static void assertIncludesZero(Interval interval) {
        assertThat(interval.low()).isNegative();
        assertThat(interval.high()).isPositive();
    }
}
