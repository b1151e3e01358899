package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.stencil.autograd.ActivationPolicy;
import io.stencil.autograd.GradMode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.nn.Module;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.safetensors.SafetensorsDtype;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.template.Warnings;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.Sample;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.StepReport;
import io.stencil.train.events.TrainingListener.TrainingStart;
import io.stencil.train.optim.LearningRateSchedule;
import io.stencil.train.options.DataOptions.ExtraInput;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.step.NoiseDraws.Draw;
import io.stencil.train.step.TrainingStep;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.assertj.core.api.Assertions;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whole runs on tiny models: what they write, what they change, and what they report.
class TrainerTest {

    private static final String PREFIX = "pipe.template_model.";

    @SuppressWarnings("NullAway.Init")
    private static Flux2Pipeline pipeline;

    private static final Path LORA_TEMPLATE =
            TestFiles.root().resolve("train/src/test/resources/templates/shared_trunk");

    @TempDir
    Path folder;

    @SuppressWarnings("NullAway.Init")
    private TinyDataset dataset;

    @BeforeAll
    static void load() {
        pipeline = TinyTraining.pipeline();
    }

    @AfterAll
    static void free() {
        pipeline.close();
    }

    @BeforeEach
    void paint() throws IOException {
        dataset = TinyDataset.paint(Files.createDirectory(folder.resolve("data")), 3);
    }

    private TrainOptions.Builder options(String output) {
        return dataset.options(folder.resolve(output));
    }

    private static Recorder train(TrainOptions.Builder options) {
        Recorder recorder = new Recorder();
        try (LoadedTemplate<?, ?> template = TinyTraining.template(pipeline)) {
            new Trainer().run(options.build(), pipeline, template, recorder);
        }
        return recorder;
    }

    private byte[] bytes(String file) throws IOException {
        return Files.readAllBytes(folder.resolve(file));
    }

    @Test
    void equalSeedsGiveEqualFilesAndOthersDoNot() throws IOException {
        Recorder first = train(options("a"));
        Recorder second = train(options("b"));
        Recorder other = train(options("c").seed(2L));
        assertThat(first.losses()).hasSize(3).isEqualTo(second.losses()).isNotEqualTo(other.losses());
        assertThat(first.checkpoints).containsExactly("epoch-0.safetensors");
        assertThat(bytes("a/checkpoints/epoch-0.safetensors"))
                .isEqualTo(bytes("b/checkpoints/epoch-0.safetensors"))
                .isNotEqualTo(bytes("c/checkpoints/epoch-0.safetensors"));
    }

    /// Through two epochs, whose rows come in another order each.
    @Test
    void picturesDecodedAheadAndRecomputedBlocksChangeNothing() throws IOException {
        train(options("a").epochs(2).workers(0));
        train(options("b").epochs(2).workers(2));
        train(options("c").epochs(2).workers(1).cacheEncodings(true).activationMemory(1_000_000L));
        for (String other : List.of("b", "c")) {
            assertThat(bytes(other + "/checkpoints/epoch-1.safetensors"))
                    .isEqualTo(bytes("a/checkpoints/epoch-1.safetensors"));
        }
    }

    /// With models that two threads read for the first time together, and prompts that only one of them encodes.
    @Test
    void encodingsMadeAheadChangeNothing() throws IOException {
        for (int workers = 0; workers < 3; workers++) {
            TrainOptions.Builder options = options("run" + workers)
                    .extraInputs(Set.of(ExtraInput.TEMPLATE_INPUTS, ExtraInput.EDIT_IMAGE))
                    .captionDropout(0.5)
                    .batchSize(2)
                    .epochs(4)
                    .workers(workers);
            new Trainer().run(options.build(), TrainingListener.NONE);
            assertThat(bytes("run" + workers + "/checkpoints/epoch-3.safetensors"))
                    .isEqualTo(bytes("run0/checkpoints/epoch-3.safetensors"));
        }
    }

    /// A Template with LoRAs, keys and values, and words, through a transformer whose blocks are computed twice.
    @Test
    void modelsThatLetGoOfTheirWeightsTrainTheSame() {
        LoadOptions offloaded = TinyTraining.FLOAT32.withOffload(Set.of(ModelRole.values()));
        List<Map<String, Tensor>> found = new ArrayList<>();
        try (Scope _ = new Scope()) {
            for (LoadOptions load : List.of(TinyTraining.FLOAT32, offloaded)) {
                String output = "run" + found.size();
                new Trainer()
                        .run(
                                options(output)
                                        .load(load)
                                        .template(LORA_TEMPLATE)
                                        .gradientCheckpointing(true)
                                        .build(),
                                TrainingListener.NONE);
                found.add(TensorFiles.read(folder.resolve(output + "/checkpoints/epoch-0.safetensors")));
            }
            assertThat(found.get(1).keySet()).isEqualTo(found.get(0).keySet()).isNotEmpty();
            found.get(0)
                    .forEach((name, expected) -> TensorAssert.assertClose(
                            name, Objects.requireNonNull(found.get(1).get(name)), expected, 1e-5));
        }
    }

    @Test
    void eachStepDrawsAnIndexAndThenNoiseFromOneGenerator() {
        TrainOptions.Builder options = options("a").shuffle(false).schedule(LearningRateSchedule.NONE);
        List<Double> losses = train(options.learningRate(1e-12).weightDecay(0)).losses();
        Dataset data = Dataset.read(options.build().data());
        try (Scope _ = new Scope();
                LoadedTemplate<?, ?> template = TinyTraining.template(pipeline);
                TorchGenerator generator = new TorchGenerator(1)) {
            TrainingStep step = new TrainingStep(pipeline, template, new ActivationPolicy.Keep(), Warnings.logged());
            for (int i = 0; i < 3; i++) {
                int index = (int) Tensors.toLongs(generator.randint(1000, 1))[0];
                Draw draw = new Draw(index, generator.randn(DType.FLOAT32, 1, 4, 128));
                DatasetRow row = data.rows().get(i);
                double loss =
                        step.accumulate(List.of(Sample.of(row.prompt(), data.load(row, template))), (_, _) -> draw, 1);
                assertThat(losses.get(i)).isCloseTo(loss, within(1e-6 * loss));
            }
        }
    }

    @Test
    void aRunTellsWhatItDoes() throws IOException {
        Recorder recorder = train(options("a").repeat(2).epochs(2).csvLog(true));
        TrainingStart start = Objects.requireNonNull(recorder.start);
        assertThat(start.steps()).isEqualTo(12);
        assertThat(start.rows()).isEqualTo(3);
        assertThat(start.trainableTensors()).isEqualTo(50);
        assertThat(start.seed()).isEqualTo(1);
        assertThat(recorder.steps).hasSize(12);
        assertThat(recorder.steps.stream().map(StepReport::epoch)).containsExactly(0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1);
        assertThat(recorder.steps.get(4).learningRate()).isCloseTo(1e-3 / 3, within(1e-12));
        assertThat(recorder.steps.get(5).learningRate()).isEqualTo(1e-3);
        assertThat(recorder.checkpoints).containsExactly("epoch-0.safetensors", "epoch-1.safetensors");
        assertThat(Files.readAllLines(folder.resolve("a/training_log.csv"))).hasSize(13);
        assertThat(folder.resolve("a/training_args.json")).content().contains("\"seed\" : 1");
    }

    @Test
    void checkpointsComeAtTheIntervalAndAtTheEnd() {
        assertThat(train(options("a").repeat(2).saveSteps(4)).checkpoints)
                .containsExactly("step-4.safetensors", "step-6.safetensors");
        assertThat(train(options("b").saveSteps(3)).checkpoints).containsExactly("step-3.safetensors");
    }

    @Test
    void aRunThatIsStoppedSavesWhatItHas() {
        Trainer trainer = new Trainer();
        Recorder recorder = new Recorder();
        TrainingListener stopper = new TrainingListener() {
            @Override
            public void onStep(StepReport report) {
                if (report.step() == 2) {
                    trainer.requestStop();
                }
            }
        };
        try (LoadedTemplate<?, ?> template = TinyTraining.template(pipeline)) {
            TrainingResult result = trainer.run(
                    options("a").epochs(5).build(),
                    pipeline,
                    template,
                    TrainingListener.all(List.of(recorder, stopper)));
            assertThat(result.interrupted()).isTrue();
            assertThat(result.steps()).isEqualTo(2);
            assertThat(result.checkpoints()).containsExactly(folder.resolve("a/checkpoints/step-2.safetensors"));
            assertThat(result.checkpoints().getFirst()).isRegularFile();
        }
        assertThat(recorder.steps).hasSize(2);
    }

    @Test
    void onlyTheTemplateIsChangedAndOnlyItHasGradients() {
        try (Scope _ = new Scope();
                LoadedTemplate<?, ?> template = TinyTraining.template(pipeline)) {
            Module transformer = pipeline.models().requireTransformer();
            Map<String, Tensor> before = copies(transformer);
            new Trainer().run(options("a").build(), pipeline, template, TrainingListener.NONE);
            transformer.state().forEach((name, parameter) -> {
                assertThat(parameter.isTrainable()).isFalse();
                assertThat(parameter.gradient()).isNull();
                assertThat(parameter.get().equal(before.get(name))).isTrue();
            });
            template.model()
                    .state()
                    .forEach((name, parameter) ->
                            assertThat(parameter.isTrainable()).isTrue());
        }
    }

    private static Map<String, Tensor> copies(Module module) {
        Map<String, Tensor> copies = new java.util.LinkedHashMap<>();
        module.state()
                .forEach((name, parameter) -> copies.put(name, parameter.get().clone()));
        return copies;
    }

    @Test
    void namedPartsAloneAreTrainedAndSaved() {
        try (Scope _ = new Scope();
                LoadedTemplate<?, ?> template = TinyTraining.template(pipeline)) {
            Map<String, Tensor> before = copies(template.model());
            TrainOptions options = options("a")
                    .trainable(List.of("template_model.proj_k.double_1", "dit.proj_out"))
                    .build();
            try (Flux2Pipeline own = TinyTraining.pipeline()) {
                new Trainer().run(options, own, template, TrainingListener.NONE);
            }
            template.model().state().forEach((name, parameter) -> {
                boolean trained = name.startsWith("proj_k.double_1.");
                assertThat(parameter.isTrainable()).isEqualTo(trained);
                assertThat(parameter.get().equal(before.get(name))).isNotEqualTo(trained);
            });
        }
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("a/checkpoints/epoch-0.safetensors"))) {
            assertThat(file.entries().keySet())
                    .containsExactlyInAnyOrder(
                            PREFIX + "proj_k.double_1.prefer_value_embedder.0.weight",
                            PREFIX + "proj_k.double_1.prefer_value_embedder.0.bias",
                            PREFIX + "proj_k.double_1.prefer_value_embedder.2.weight",
                            PREFIX + "proj_k.double_1.prefer_value_embedder.2.bias",
                            PREFIX + "proj_k.double_1.positional_embedding",
                            "pipe.dit.proj_out.weight");
        }
    }

    @Test
    void aNameOfNoPartIsToldWithTheValidOnes() {
        assertThatThrownBy(() -> train(options("a").trainable(List.of("template_model.proj"))))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'trainable_models': 'template_model.proj' is not a part with parameters to train; "
                        + "valid names: template_model.proj_k, template_model.proj_v");
        assertThatThrownBy(() -> train(options("a").trainable(List.of("template_model", "text_encoder"))))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'trainable_models': 'text_encoder' is not a model that can be trained; "
                        + "valid names: template_model, dit");
    }

    @Test
    void thePrefixIsCutOffAndPutBackOnResuming() {
        train(options("a").removedPrefix(PREFIX).epochs(2));
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("a/checkpoints/epoch-1.safetensors"))) {
            assertThat(file.entries()).hasSize(50).containsKey("proj_k.double_0.positional_embedding");
            assertThat(file.entries().values()).allMatch(entry -> entry.dtype() == SafetensorsDtype.F32);
        }
        TrainOptions.Builder slow = options("b")
                .removedPrefix(PREFIX)
                .resumeFrom(folder.resolve("a/checkpoints/epoch-1.safetensors"))
                .learningRate(1e-30)
                .weightDecay(0);
        train(slow);
        try (Scope _ = new Scope()) {
            Map<String, Tensor> resumed = TensorFiles.read(folder.resolve("b/checkpoints/epoch-0.safetensors"));
            TensorFiles.read(folder.resolve("a/checkpoints/epoch-1.safetensors"))
                    .forEach((name, tensor) ->
                            assertThat(tensor.equal(resumed.get(name))).as(name).isTrue());
        }
    }

    @Test
    void aCheckpointOfSomethingElseIsRefused() throws IOException {
        train(options("a"));
        assertThatThrownBy(() -> train(options("b")
                        .removedPrefix(PREFIX)
                        .resumeFrom(folder.resolve("a/checkpoints/epoch-0.safetensors"))))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("missing proj_k.double_0.positional_embedding")
                .hasMessageContaining("unexpected " + PREFIX + "proj_k.double_0")
                .hasMessageContaining("--remove_prefix_in_ckpt");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = TensorFiles.read(folder.resolve("a/checkpoints/epoch-0.safetensors"));
            tensors.computeIfPresent(
                    PREFIX + "proj_v.single_0.positional_embedding", (_, tensor) -> tensor.narrow(0, 0, 4));
            TensorFiles.write(folder.resolve("short.safetensors"), tensors, Map.of());
        }
        assertThatThrownBy(() -> train(options("b").resumeFrom(folder.resolve("short.safetensors"))))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("of another shape or kind " + PREFIX
                        + "proj_v.single_0.positional_embedding is F32 [4, 128], expected [8, 128]");
        assertThatThrownBy(() -> train(options("b").resumeFrom(folder.resolve("none.safetensors"))))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'resume_from_checkpoint': ");
    }

    @Test
    void aPrefixThatMatchesNothingIsRefusedBeforeTheFirstStep() {
        for (String prefix : List.of("pipe.dit.", "pipe.template_modle", "pipe.templ")) {
            assertThatThrownBy(() -> train(options("a").removedPrefix(prefix)))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageStartingWith(
                            "'remove_prefix_in_ckpt': is '%s', but no trained tensor's name begins with "
                                    .formatted(prefix))
                    .hasMessageContaining("; the names are pipe.template_model.");
        }
        assertThat(folder.resolve("a")).isEmptyDirectory();
    }

    @Test
    void aPrefixIsCutOffWithItsDot() throws IOException {
        train(options("a").removedPrefix(PREFIX));
        train(options("b").removedPrefix("pipe.template_model"));
        assertThat(bytes("b/checkpoints/epoch-0.safetensors")).isEqualTo(bytes("a/checkpoints/epoch-0.safetensors"));
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("b/checkpoints/epoch-0.safetensors"))) {
            assertThat(file.entries()).containsKey("proj_v.single_0.positional_embedding");
        }
    }

    @Test
    void aFolderIsHeldWhileARunWorksInIt() throws IOException {
        List<Throwable> refused = new ArrayList<>();
        TrainingListener second = new TrainingListener() {
            @Override
            public void onStep(StepReport report) {
                assertThat(folder.resolve("a/.stencil.lock")).exists();
                TrainOptions.Builder same = options("a").resume(report.step() > 1);
                refused.add(Assertions.catchThrowable(() -> new Trainer().run(same.build(), TrainingListener.NONE)));
            }
        };
        new Trainer().run(options("a").csvLog(true).build(), second);
        assertThat(refused.stream().map(Throwable::getMessage))
                .hasSize(3)
                .startsWith("'output_path': '%s' is in use by another run (another run of this process); "
                                .formatted(folder.resolve("a"))
                        + "wait until it ends, or name another folder")
                .element(2)
                .asString()
                .startsWith("'resume': '%s' is in use by another run".formatted(folder.resolve("a")));
        assertThat(Files.readAllLines(folder.resolve("a/training_log.csv"))).hasSize(4);
        assertThat(folder.resolve("a/.stencil.lock")).doesNotExist();
    }

    @Test
    void gradientsOfSeveralSamplesMakeOneUpdate() throws IOException {
        Recorder recorder = train(options("a").gradientAccumulationSteps(2).shuffle(false));
        assertThat(recorder.steps).hasSize(3);
        train(options("b").shuffle(false));
        assertThat(bytes("a/checkpoints/epoch-0.safetensors")).isNotEqualTo(bytes("b/checkpoints/epoch-0.safetensors"));
        List<Double> still = train(
                        options("c").learningRate(1e-30).weightDecay(0).shuffle(false))
                .losses();
        // The first two samples see the same weights; the third one sees those that their mean gradient moved.
        assertThat(recorder.losses().subList(0, 2)).isEqualTo(still.subList(0, 2));
        assertThat(recorder.losses().get(2)).isNotEqualTo(still.get(2));
    }

    @Test
    void editImagesAreSeen() {
        List<Double> plain = train(options("a")).losses();
        List<Double> edited = train(options("b").extraInputs(Set.of(ExtraInput.TEMPLATE_INPUTS, ExtraInput.EDIT_IMAGE)))
                .losses();
        assertThat(edited).hasSize(3).isNotEqualTo(plain).allMatch(Double::isFinite);
    }

    @Test
    void inBfloat16TheTrainedWeightsStayInFloat32() {
        try (Flux2Pipeline half = Flux2Pipeline.load(TinyTraining.base(), new LoadOptions(DType.BFLOAT16, Device.CPU));
                LoadedTemplate<?, ?> template = TinyTraining.template(half)) {
            Recorder recorder = new Recorder();
            new Trainer().run(options("a").learningRate(1e-5).build(), half, template, recorder);
            assertThat(recorder.losses()).allMatch(Double::isFinite);
            try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("a/checkpoints/epoch-0.safetensors"));
                    Scope _ = new Scope();
                    GradMode _ = GradMode.disabled()) {
                assertThat(file.entries().values()).allMatch(entry -> entry.dtype() == SafetensorsDtype.F32);
                // Updates of 1e-5 / 3 are finer than bfloat16 resolves.
                template.model()
                        .state()
                        .forEach((name, parameter) -> assertThat(DType.FLOAT32
                                        .cast(DType.BFLOAT16.cast(parameter.get()))
                                        .equal(parameter.get()))
                                .as(name)
                                .isFalse());
            }
        }
    }

    @Test
    void aRowThatDoesNotFitTheTemplateIsToldBeforeTraining() throws IOException {
        Path metadata = dataset.folder().resolve("metadata.jsonl");
        Files.writeString(
                metadata,
                Files.readString(metadata)
                        + "{\"image\": \"0.png\", \"prompt\": \"\", \"template_inputs\": {\"scale\": \"bright\"}}\n");
        Recorder recorder = new Recorder();
        try (LoadedTemplate<?, ?> template = TinyTraining.template(pipeline)) {
            TrainOptions options = options("a").build();
            assertThatThrownBy(() -> new Trainer().run(options, pipeline, template, recorder))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessage(metadata + ":4: 'template_inputs.scale': must be a number, found \"bright\"");
        }
        assertThat(recorder.start).isNull();
        assertThat(folder.resolve("a/training_args.json")).doesNotExist();
    }

    @Test
    void aTransformerIsTrainedWithoutATemplate() {
        try (Flux2Pipeline own = TinyTraining.pipeline()) {
            Recorder recorder = new Recorder();
            TrainOptions options = options("a")
                    .template(null)
                    .extraInputs(Set.of())
                    .trainable(List.of("dit.single_transformer_blocks.2"))
                    .build();
            new Trainer().run(options, own, null, recorder);
            assertThat(recorder.losses()).hasSize(3).allMatch(Double::isFinite);
        }
    }

    @Test
    void aLossThatIsNoNumberEndsTheRun() {
        assertThatThrownBy(() -> train(options("a").learningRate(1e30).epochs(9).schedule(LearningRateSchedule.NONE)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageMatching(
                        "'learning_rate': the loss is (NaN|Infinity) at step \\d+ \\(row .*metadata.jsonl:\\d\\); .*");
    }
}
