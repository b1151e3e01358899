package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.files.AtomicFolder;
import io.stencil.json.Json;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.testing.TestFiles;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.StepReport;
import io.stencil.train.optim.LearningRateSchedule;
import io.stencil.train.optim.OptimizerType;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// A run that is stopped and goes on is the run that was never stopped, bit for bit.
class ResumeTest {

    @TempDir
    static Path shared;

    @SuppressWarnings("NullAway.Init")
    private static Path model;

    @SuppressWarnings("NullAway.Init")
    private static TinyDataset dataset;

    @TempDir
    Path folder;

    @BeforeAll
    static void begin() throws IOException {
        model = shared.resolve("model");
        new ModelInitialisation(1, DType.FLOAT32).write(TestFiles.root().resolve("models/tiny-klein"), model);
        dataset = TinyDataset.paint(Files.createDirectory(shared.resolve("data")), 5);
    }

    private static Recorder train(TrainOptions.Builder options) {
        return train(options, Long.MAX_VALUE);
    }

    /// @param last step after which the run is requested to stop
    private static Recorder train(TrainOptions.Builder options, long last) {
        Recorder recorder = new Recorder();
        Trainer trainer = new Trainer();
        TrainingListener stopper = new TrainingListener() {
            @Override
            public void onStep(StepReport report) {
                if (report.step() == last) {
                    trainer.requestStop();
                }
            }
        };
        trainer.run(options.build(), TrainingListener.all(List.of(recorder, stopper)));
        return recorder;
    }

    private TrainOptions.Builder template(String output) {
        return dataset.options(folder.resolve(output)).repeat(2).csvLog(true);
    }

    private TrainOptions.Builder base(String output) {
        return TrainOptions.builder(
                        ModelFiles.in(model),
                        dataset.folder(),
                        dataset.folder().resolve("metadata.jsonl"),
                        folder.resolve(output))
                .load(TinyTraining.FLOAT32)
                .size(32, 32)
                .learningRate(1e-3)
                .schedule(LearningRateSchedule.COSINE)
                .warmupSteps(2)
                .maxGradNorm(1.0)
                .emaDecay(0.9)
                .saveRawWeights(true)
                .batchSize(2)
                .maxSteps(10)
                .csvLog(true)
                .seed(1L);
    }

    /// Trains once without a stop and once with stops after 3 and 7 steps, and compares all reports and files.
    ///
    /// @param options of the run in a folder
    /// @param files that both runs end with
    private void assertStopsLeaveNoTrace(Function<String, TrainOptions.Builder> options, String... files)
            throws IOException {
        Recorder whole = train(options.apply("whole"));
        List<StepReport> reports = new ArrayList<>(train(options.apply("parts"), 3).steps);
        Recorder second = train(options.apply("parts").resume(true), 7);
        assertThat(Objects.requireNonNull(second.start).doneSteps()).isEqualTo(3);
        reports.addAll(second.steps);
        reports.addAll(train(options.apply("parts").resume(true)).steps);
        assertThat(reports.stream().map(ResumeTest::withoutTime))
                .hasSize(10)
                .containsExactlyElementsOf(
                        whole.steps.stream().map(ResumeTest::withoutTime).toList());
        for (String file : files) {
            assertThat(folder.resolve("parts/checkpoints").resolve(file))
                    .hasSameBinaryContentAs(folder.resolve("whole/checkpoints").resolve(file));
        }
        assertThat(log("parts")).hasSize(11).isEqualTo(log("whole"));
    }

    private static StepReport withoutTime(StepReport report) {
        return new StepReport(report.step(), report.steps(), report.epoch(), report.loss(), report.learningRate(), 0);
    }

    private List<String> log(String output) throws IOException {
        return Files.readAllLines(folder.resolve(output).resolve("training_log.csv")).stream()
                .map(line -> line.substring(0, line.lastIndexOf(',')))
                .toList();
    }

    @Test
    void aLoraBesideATemplateGoesOn() throws IOException {
        assertStopsLeaveNoTrace(
                output -> template(output)
                        .set("lora_base_model", "dit")
                        .set("lora_rank", 2)
                        .gradientAccumulationSteps(2)
                        .emaDecay(0.9),
                "epoch-0.safetensors",
                "epoch-0.lora.safetensors",
                "step-10.state/trainer.safetensors");
    }

    @Test
    void aTemplateGoesOnAlsoFromTheMidstOfAnUpdate() throws IOException {
        assertStopsLeaveNoTrace(
                output -> template(output).gradientAccumulationSteps(4).maxGradNorm(0.01),
                "epoch-0.safetensors",
                "step-10.state/trainer.safetensors");
    }

    @ParameterizedTest
    @EnumSource(value = OptimizerType.class, mode = EnumSource.Mode.EXCLUDE, names = "ADAMW")
    void everyOptimizerGoesOn(OptimizerType optimizer) throws IOException {
        assertStopsLeaveNoTrace(
                output -> template(output).set("learning_rate", null).set("optimizer", optimizer),
                "epoch-0.safetensors",
                "step-10.state/trainer.safetensors");
        assertThatThrownBy(() -> train(
                        template("parts").set("optimizer", OptimizerType.ADAMW).resume(true)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage(
                        "'optimizer': is adamw, but the run in '%s' began with %s; give the same, or train anew into another folder"
                                .formatted(folder.resolve("parts"), optimizer.option()));
    }

    @Test
    void aCheckpointInHalfPrecisionLosesNothing() throws IOException {
        assertStopsLeaveNoTrace(output -> template(output).saveDtype(DType.BFLOAT16), "epoch-0.safetensors");
    }

    @Test
    void aVaeGoesOnWithItsAverageAndBatches() throws IOException {
        assertStopsLeaveNoTrace(
                output -> base(output).task(Task.VAE).trainable(List.of("vae")),
                "step-10.safetensors",
                "step-10.raw.safetensors",
                "step-10.state/trainer.safetensors");
    }

    @Test
    void aTransformerGoesOnWithCaptionDropout() throws IOException {
        assertStopsLeaveNoTrace(
                output -> base(output).trainable(List.of("dit")).captionDropout(0.5),
                "step-10.safetensors",
                "step-10.raw.safetensors",
                "step-10.state/trainer.safetensors");
    }

    @Test
    void aRunGoesOnFromTheLastStateWhereItsLaterStepsWereLost() throws IOException {
        Recorder whole = train(template("a").saveSteps(4));
        assertThat(states("a")).containsExactly("step-10.state", "step-8.state");
        assertThat(folder.resolve("a/checkpoints/step-4.safetensors")).exists();
        // As if the process had been killed in the midst of line 10 and of writing the last state.
        Path last = folder.resolve("a/checkpoints/step-10.state");
        Path leftover = folder.resolve("a/checkpoints/.step-10.state.0.tmp");
        Files.move(last, leftover);
        Path log = folder.resolve("a/training_log.csv");
        Files.writeString(log, Files.readString(log).replaceFirst("(?s)0\\.\\d+\n$", "0."));

        Recorder resumed = train(template("a").saveSteps(4).resume(true));
        assertThat(resumed.losses()).isEqualTo(whole.losses().subList(8, 10));
        assertThat(log("a")).hasSize(11);
        assertThat(leftover).doesNotExist();
        assertThat(last).exists();

        Recorder done = train(template("a").saveSteps(4).resume(true));
        assertThat(done.steps).isEmpty();
        assertThat(done.checkpoints).isEmpty();
    }

    private List<String> states(String output) throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve(output).resolve("checkpoints"))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".state"))
                    .sorted()
                    .toList();
        }
    }

    /// Earlier versions wrote checkpoints and states beside the log.
    @Test
    void aRunOfAnEarlierVersionGoesOn() throws IOException {
        Recorder whole = train(template("a").saveSteps(4));
        Files.delete(folder.resolve("a/checkpoints/step-10.safetensors"));
        AtomicFolder.remove(folder.resolve("a/checkpoints/step-10.state"));
        Files.delete(folder.resolve("a/events.jsonl"));
        for (String name : List.of("step-4.safetensors", "step-8.safetensors", "step-8.state")) {
            Files.move(
                    folder.resolve("a/checkpoints").resolve(name),
                    folder.resolve("a").resolve(name));
        }
        Files.delete(folder.resolve("a/checkpoints"));
        assertThatThrownBy(() -> train(template("a")))
                .hasMessageContaining("holds another run: step-4.safetensors, step-8.safetensors, step-8.state, ");

        Recorder resumed = train(template("a").saveSteps(4).keptCheckpoints(2).resume(true));
        assertThat(resumed.losses()).isEqualTo(whole.losses().subList(8, 10));
        assertThat(states("a")).containsExactly("step-10.state");
        assertThat(folder.resolve("a/step-8.state")).exists();
        assertThat(folder.resolve("a/step-8.safetensors")).exists();
        assertThat(folder.resolve("a/step-4.safetensors")).doesNotExist();
    }

    /// Earlier versions knew no validation: neither its progress, nor rows that are held out, nor later options.
    @Test
    void aStateWithoutValidationGoesOn() throws IOException {
        Recorder whole = train(template("a").saveSteps(8));
        Files.delete(folder.resolve("a/checkpoints/step-10.safetensors"));
        AtomicFolder.remove(folder.resolve("a/checkpoints/step-10.state"));
        Path state = folder.resolve("a/checkpoints/step-8.state");
        remove(state.resolve("trainer.json"), "/progress", "validation");
        remove(state.resolve("dataset.json"), "", "held_out");
        for (String option : List.of("optimizer", "timestep_sampling", "enable_bucket")) {
            remove(state.resolve("trainer.json"), "/options", option);
        }

        Recorder resumed = train(template("a").saveSteps(8).resume(true));
        assertThat(resumed.losses()).isEqualTo(whole.losses().subList(8, 10));
        assertThat(folder.resolve("a/checkpoints/step-10.state/trainer.json"))
                .content()
                .contains("\"validation\"");
    }

    private static void remove(Path file, String object, String field) throws IOException {
        JsonNode root = Json.MAPPER.readTree(Files.readString(file));
        assertThat(((ObjectNode) root.at(object)).remove(field)).as(field).isNotNull();
        Files.writeString(file, root.toString());
    }

    @Test
    void aSeedThatWasDrawnIsKept() {
        Recorder first = train(template("a").seed(null), 3);
        Recorder second = train(template("a").seed(null).resume(true), 4);
        assertThat(Objects.requireNonNull(second.start).seed())
                .isEqualTo(Objects.requireNonNull(first.start).seed());
    }

    @Test
    void aFolderOfAnotherRunIsRefusedAndLeftAlone() throws IOException {
        train(template("a"), 3);
        List<String> log = log("a");
        assertThatThrownBy(() -> train(template("a")))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'output_path': '%1$s' holds another run: checkpoints/step-3.safetensors, "
                                .formatted(folder.resolve("a"))
                        + "checkpoints/step-3.state, events.jsonl, training_log.csv; go on with it by --resume %s, or name another folder"
                                .formatted(folder.resolve("a")));
        assertThat(log("a")).isEqualTo(log);

        Files.createDirectory(folder.resolve("b"));
        Files.writeString(folder.resolve("b/epoch-0.safetensors"), "");
        assertThatThrownBy(() -> train(template("b")))
                .hasMessage("'output_path': '%s' holds another run: epoch-0.safetensors; name another folder"
                        .formatted(folder.resolve("b")));
        assertThatThrownBy(() -> train(template("b").resume(true)))
                .hasMessageStartingWith("'resume': '%s' holds no complete state".formatted(folder.resolve("b")));
        assertThatThrownBy(() -> train(template("c").resume(true)))
                .hasMessage("'resume': '%s' is not a directory".formatted(folder.resolve("c")));
    }

    @ParameterizedTest
    @MethodSource
    void anOptionThatWouldChangeTheNumbersIsRefused(
            Function<TrainOptions.Builder, TrainOptions.Builder> change, String message) {
        train(template("a"), 2);
        assertThatThrownBy(() -> train(change.apply(template("a").resume(true))))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage(message.formatted(folder.resolve("a")));
    }

    static Stream<Arguments> anOptionThatWouldChangeTheNumbersIsRefused() {
        String rest = "; give the same, or train anew into another folder";
        return Stream.of(
                change(o -> o.seed(2L), "'seed': is 2, but the run in '%s' began with 1" + rest),
                change(o -> o.batchSize(2), "'batch_size': is 2, but the run in '%s' began with 1" + rest),
                change(
                        o -> o.learningRate(0.002),
                        "'learning_rate': is 0.002, but the run in '%s' began with 0.001" + rest),
                change(o -> o.emaDecay(0.9), "'ema_decay': is 0.9, but the run in '%s' began with not given" + rest));
    }

    private static Arguments change(Function<TrainOptions.Builder, TrainOptions.Builder> change, String message) {
        return Arguments.of(change, message);
    }

    /// The rate of `constant` and `none` does not depend on the length, also where it is counted otherwise.
    @Test
    void aFinishedRunIsExtendedAsIfItHadBeenLongerFromTheStart() throws IOException {
        Recorder whole = train(template("whole").epochs(null).maxSteps(14));
        train(template("a").epochs(null).maxSteps(5));
        Recorder more = train(template("a").epochs(1).resume(true));
        assertThat(more.losses()).isEqualTo(whole.losses().subList(5, 10));
        assertThat(more.checkpoints).containsExactly("epoch-0.safetensors");
        Recorder most = train(template("a").epochs(null).maxSteps(14).resume(true));
        assertThat(most.losses()).isEqualTo(whole.losses().subList(10, 14));
        assertThat(folder.resolve("a/checkpoints/step-14.safetensors"))
                .hasSameBinaryContentAs(folder.resolve("whole/checkpoints/step-14.safetensors"));
        assertThat(log("a")).hasSize(15).isEqualTo(log("whole"));
        assertThatThrownBy(() -> train(template("a").epochs(null).maxSteps(13).resume(true)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'max_steps': the run is to end after 13 steps, but 14 are done");
    }

    @Test
    void aLengthThatTheNumbersDependOnCannotChange() {
        train(base("a").trainable(List.of("dit")), 2);
        assertThatThrownBy(() ->
                        train(base("a").trainable(List.of("dit")).maxSteps(20).resume(true)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage(
                        "'max_steps': is 20, but the run in '%s' began with 10; the learning rate of --lr_scheduler "
                                        .formatted(folder.resolve("a"))
                                + "cosine depends on the length, which cannot change; give the same, or train anew into "
                                + "another folder");

        train(template("b").epochs(null).maxSteps(6).gradientAccumulationSteps(4));
        assertThatThrownBy(() -> train(template("b")
                        .epochs(null)
                        .maxSteps(12)
                        .gradientAccumulationSteps(4)
                        .resume(true)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'max_steps': the run had 6 steps and cannot go on to 12: with "
                        + "--gradient_accumulation_steps 4 its last update is begun and takes fewer steps; begin a new run "
                        + "from its checkpoint (--resume_from_checkpoint)");
    }

    @Test
    void aRunThatIsRefusedKeepsItsOptions() throws IOException {
        train(template("a").epochs(null).maxSteps(4));
        Path arguments = folder.resolve("a/training_args.json");
        String before = Files.readString(arguments);
        assertThatThrownBy(() -> train(template("a").epochs(null).maxSteps(2).resume(true)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("the run is to end after 2 steps, but 4 are done");
        assertThat(arguments).hasContent(before);
        Path state = folder.resolve("a/checkpoints/step-4.state");
        Path trainer = state.resolve("trainer.json");
        Files.writeString(trainer, Files.readString(trainer).replaceFirst(",\\s*\"tensors_crc32c\"[^}]*", ""));
        Path file = state.resolve("trainer.safetensors");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = TensorFiles.read(file);
            tensors.remove("generator.noise");
            TensorFiles.write(file, tensors, Map.of("format", "pt"));
        }
        assertThatThrownBy(() -> train(template("a").epochs(null).maxSteps(6).resume(true)))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("'generator.noise': no such tensor");
        assertThat(arguments).hasContent(before);
    }

    @Test
    void aStateWithAValueOfAnotherTypeIsRefused() throws IOException {
        train(template("a").epochs(null).maxSteps(4));
        Path state = folder.resolve("a/checkpoints/step-4.state");
        Path trainer = state.resolve("trainer.json");
        String before = Files.readString(trainer);
        for (String value : List.of("\"4\"", "4.9", "null")) {
            Files.writeString(trainer, before.replaceFirst("\"updates\" : 4,", "\"updates\" : %s,".formatted(value)));
            assertThatThrownBy(
                            () -> train(template("a").epochs(null).maxSteps(6).resume(true)))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessage(
                            "%s: 'progress': cannot be read: updates: must be a whole number, found %s; it was changed since it was written: restore it, or train anew into another folder"
                                    .formatted(trainer, value));
        }
        Files.writeString(trainer, before);
        Path dataset = state.resolve("dataset.json");
        Files.writeString(dataset, "{\"digests\": [], \"skipped\": []}");
        assertThatThrownBy(() -> train(template("a").epochs(null).maxSteps(6).resume(true)))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(
                        "%s: cannot be read: digests: must be an object, found []; it was changed since it was written: restore it, or train anew into another folder"
                                .formatted(dataset));
    }

    @Test
    void olderCheckpointsAreRemoved() throws IOException {
        train(template("a").saveSteps(2).keptCheckpoints(2).emaDecay(0.9).saveRawWeights(true));
        try (Stream<Path> files = Files.list(folder.resolve("a/checkpoints"))) {
            assertThat(files.map(file -> file.getFileName().toString()).filter(name -> name.startsWith("step-")))
                    .containsExactlyInAnyOrder(
                            "step-8.safetensors",
                            "step-8.raw.safetensors",
                            "step-8.state",
                            "step-10.safetensors",
                            "step-10.raw.safetensors",
                            "step-10.state");
        }
        // What is no checkpoint of a run is not touched, and the number may change.
        Path other = Files.writeString(folder.resolve("a/checkpoints/step-1.safetensors"), "mine");
        train(template("a")
                .epochs(2)
                .saveSteps(5)
                .keptCheckpoints(1)
                .emaDecay(0.9)
                .saveRawWeights(true)
                .resume(true));
        assertThat(states("a")).containsExactly("step-15.state", "step-20.state");
        assertThat(other).exists();
        try (Stream<Path> files = Files.list(folder.resolve("a/checkpoints"))) {
            assertThat(files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(".safetensors")))
                    .containsExactlyInAnyOrder("step-1.safetensors", "step-20.safetensors", "step-20.raw.safetensors");
        }
    }

    /// Where another machine, or another wish, computes in another dtype, the numbers would go on differently.
    @Test
    void anotherDtypeOfActivationsIsRefused() throws IOException {
        train(template("a"), 2);
        Path state = folder.resolve("a/checkpoints/step-2.state/trainer.json");
        String begun = Files.readString(state);
        String other = begun.replaceFirst("(\"activation_dtype\"\\s*:\\s*)\"float32\"", "$1\"bfloat16\"");
        assertThat(other).isNotEqualTo(begun);
        Files.writeString(state, other);
        assertThatThrownBy(() -> train(template("a").resume(true)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage(("'activation_dtype': is float32, but the run in '%s' began with bfloat16; "
                                + "STENCIL_COMPUTE=float32 or STENCIL_COMPUTE=native in the environment chooses it, "
                                + "or train anew into another folder")
                        .formatted(folder.resolve("a")));
    }

    @Test
    void otherDataAreRefused() throws IOException {
        TinyDataset own = TinyDataset.paint(Files.createDirectory(folder.resolve("data")), 3);
        train(own.options(folder.resolve("a")), 2);
        Path metadata = own.folder().resolve("metadata.jsonl");
        Files.writeString(metadata, Files.readString(metadata).replace("a wall", "a house"));
        assertThatThrownBy(() -> train(own.options(folder.resolve("a")).resume(true)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'dataset_metadata_path': has the SHA-256 ")
                .hasMessageContaining("began with");
    }

    @Test
    void aStateOfAnotherModelIsRefused() throws IOException {
        train(template("a"), 2);
        train(base("b").trainable(List.of("dit")), 2);
        Path state = folder.resolve("a/checkpoints/step-2.state/trainer.safetensors");
        Files.delete(state);
        Files.copy(folder.resolve("b/checkpoints/step-2.state/trainer.safetensors"), state);
        assertThatThrownBy(() -> train(template("a").resume(true)))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(state.toString());
    }
}
