package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.image.RgbImageReader;
import io.stencil.pipeline.GenerationParameters;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.TemplateInputs;
import io.stencil.template.Warnings;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.testing.TestFiles;
import io.stencil.train.DatasetEncoder.EncodingListener;
import io.stencil.train.encodings.CacheFolder;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Samples show what the weights of the moment generate, and leave no trace in the training.
class SamplingTest {

    private static final String FORWARD = "stencil.test.forward_fails_at";
    private static final String DARK = row("0.2");

    @TempDir
    private Path folder;

    @SuppressWarnings("NullAway.Init")
    private TinyDataset dataset;

    @BeforeEach
    void paint() throws IOException {
        dataset = TinyDataset.paint(Files.createDirectory(folder.resolve("data")), 3);
    }

    @AfterEach
    void mend() {
        System.clearProperty(FORWARD);
    }

    private static String row(String scale) {
        return "{\"prompt\": \"a wall\", \"seed\": 3, \"num_inference_steps\": 2, \"template_inputs\": {\"scale\": %s}}"
                .formatted(scale);
    }

    private Path samples(String... rows) throws IOException {
        return Files.write(folder.resolve("samples.jsonl"), Arrays.asList(rows));
    }

    private TrainOptions.Builder options(String output) {
        return dataset.options(folder.resolve(output))
                .captionDropout(0.3)
                .emaDecay(0.5)
                .removedPrefix("pipe.template_model.")
                .maxSteps(3);
    }

    private Recorder train(TrainOptions.Builder options) {
        Recorder recorder = new Recorder();
        new Trainer().run(options.build(), recorder);
        return recorder;
    }

    private List<String> names(String output) throws IOException {
        Path root = folder.resolve(output).resolve("samples");
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> root.relativize(file).toString())
                    .sorted()
                    .toList();
        }
    }

    /// The last samples are what `stencil generate` makes with the checkpoint of the end, and losses, weights and
    /// state are those of a run without samples.
    @Test
    void theyAreTheImagesOfTheCheckpointAndLeaveNoTrace() throws IOException {
        Path file = samples(DARK, row("0.9"));
        Recorder with = train(
                options("with").set("samples", file).set("sample_steps", 2).set("sample_at_first", true));
        Recorder without = train(options("without"));

        assertThat(with.losses()).isEqualTo(without.losses());
        for (String same : List.of("checkpoints/step-3.safetensors", "checkpoints/step-3.state/trainer.safetensors")) {
            assertThat(folder.resolve("with").resolve(same))
                    .hasSameBinaryContentAs(folder.resolve("without").resolve(same));
        }
        List<String> images = List.of(
                "01-scale-0.2-seed-3-num-inference-steps-2.png", "02-scale-0.9-seed-3-num-inference-steps-2.png");
        assertThat(names("with"))
                .containsExactlyElementsOf(Stream.of("step-000000/", "step-000002/", "step-000003/")
                        .flatMap(step -> Stream.of(images.get(0), images.get(1), "sheet.png")
                                .map(step::concat))
                        .toList());
        assertThat(with.samples)
                .extracting(TrainingListener.SamplesReport::step)
                .containsExactly(0L, 2L, 3L);
        TrainingListener.SamplesReport last = with.samples.getLast();
        assertThat(last.images().getFirst().file()).isEqualTo(last.folder().resolve(images.getFirst()));
        assertThat(last.images().getFirst().caption()).isEqualTo("a wall: scale 0.2, seed 3, num_inference_steps 2");
        assertThat(last.sheet()).isEqualTo(last.folder().resolve("sheet.png"));
        assertThat(with.warnings).isEmpty();

        GenerationParameters parameters =
                GenerationParameters.read(last.images().getFirst().file());
        assertThat(parameters.prompt()).isEqualTo("a wall");
        assertThat(parameters.seed()).isEqualTo(3);
        assertThat(parameters.height()).isEqualTo(32);
        assertThat(parameters.width()).isEqualTo(32);
        assertThat(parameters.numInferenceSteps()).isEqualTo(2);
        assertThat(parameters.cfgScale()).isEqualTo(1);
        assertThat(parameters.templateInputs()).hasToString("[{\"model_id\":0,\"scale\":0.2}]");
        assertThat(parameters.templates())
                .containsExactly(new GenerationParameters.Template(
                        TinyTraining.templateFolder().toString(), null));
        assertThat(parameters.model().parts()).hasSize(3);
        assertThat(parameters.step()).isEqualTo(3);
        Path trained = Files.createDirectory(folder.resolve("trained"));
        Files.copy(folder.resolve("with/checkpoints/step-3.safetensors"), trained.resolve("model.safetensors"));
        try (TemplatePipeline pipeline = new TemplatePipeline(
                TinyTraining.pipeline(),
                List.of(new TemplateFolder(trained)),
                TemplatePipeline.Loading.EAGER,
                Warnings.logged())) {
            GenerationRequest request =
                    GenerationRequest.of("a wall").size(32, 32).seed(3).steps(2).build();
            assertThat(RgbImageReader.read(last.images().getFirst().file()))
                    .isEqualTo(pipeline.generate(request, TemplateInputs.parse("{\"scale\": 0.2}"))
                            .image());
        }
    }

    @Test
    void aSampleThatFailsIsAWarning() throws IOException {
        System.setProperty(FORWARD, "0.77");
        Path file = samples(DARK, row("0.77"));
        Recorder watcher = train(options("run")
                .template(TestFiles.root().resolve("train/src/test/resources/templates/fails"))
                .removedPrefix(null)
                .set("samples", file)
                .set("sample_steps", 2));
        assertThat(watcher.steps).hasSize(3);
        assertThat(watcher.warnings).hasSize(2);
        assertThat(watcher.warnings.getFirst())
                .startsWith("sample 02-scale-0.77-seed-3-num-inference-steps-2 of step 2 failed: ")
                .contains("forward() threw ");
        assertThat(names("run"))
                .containsExactly(
                        "step-000002/01-scale-0.2-seed-3-num-inference-steps-2.png",
                        "step-000002/sheet.png",
                        "step-000003/01-scale-0.2-seed-3-num-inference-steps-2.png",
                        "step-000003/sheet.png");
    }

    @Test
    void whereAllFailThereIsNoFolderAndTheRunGoesOn() throws IOException {
        System.setProperty(FORWARD, "0.77");
        Recorder watcher = train(options("run")
                .template(TestFiles.root().resolve("train/src/test/resources/templates/fails"))
                .removedPrefix(null)
                .set("samples", samples(row("0.77"))));
        assertThat(watcher.steps).hasSize(3);
        assertThat(watcher.warnings).hasSize(1);
        assertThat(watcher.samples).isEmpty();
        assertThat(folder.resolve("run/samples")).doesNotExist();
    }

    /// A stop while samples are generated ends at once; the run that goes on generates them, and has the same ones
    /// as a run that was never stopped. Leftovers of a killed process are removed.
    @Test
    void aRunThatGoesOnHasAllSamplesOfOneThatWasNeverStopped() throws IOException {
        Path file = samples(DARK, row("0.9"));
        TrainOptions.Builder whole = options("whole").set("samples", file).set("sample_steps", 2);
        train(whole);

        Trainer trainer = new Trainer();
        TrainingResult stopped = trainer.run(
                options("parts").set("samples", file).set("sample_steps", 2).build(), new TrainingListener() {
                    @Override
                    public void onStage(Stage stage, int done, int total) {
                        if (stage == Stage.SAMPLES && done == 1) {
                            trainer.requestStop();
                        }
                    }
                });
        assertThat(stopped.interrupted()).isTrue();
        assertThat(stopped.steps()).isEqualTo(2);
        assertThat(folder.resolve("parts/samples")).doesNotExist();
        Path leftover = Files.createDirectories(folder.resolve("parts/samples/.step-000002.5f0c.tmp"));
        Files.writeString(leftover.resolve("01.png"), "half");
        Path stale = Files.createDirectories(folder.resolve("parts/samples/step-000003"));
        Files.writeString(stale.resolve("stale.png"), "of steps that were lost");

        Recorder resumed = train(
                options("parts").set("samples", file).set("sample_steps", 2).resume(true));
        assertThat(resumed.samples)
                .extracting(TrainingListener.SamplesReport::step)
                .containsExactly(2L, 3L);
        assertThat(names("parts")).isEqualTo(names("whole"));
        for (String name : names("whole")) {
            assertThat(folder.resolve("parts/samples").resolve(name))
                    .hasSameBinaryContentAs(folder.resolve("whole/samples").resolve(name));
        }
        assertThat(folder.resolve("parts/checkpoints/step-3.safetensors"))
                .hasSameBinaryContentAs(folder.resolve("whole/checkpoints/step-3.safetensors"));
        assertThat(train(options("parts")
                                .set("samples", file)
                                .set("sample_steps", 2)
                                .resume(true))
                        .samples)
                .isEmpty();
    }

    /// Rows of the dataset make samples up: 30 steps for each of four images.
    @Test
    void withoutAFileTheRangeOfTheInputIsSwept() throws IOException {
        Recorder watcher = train(options("run").maxSteps(1).set("sample_steps", 1));
        assertThat(watcher.samples.getFirst().images())
                .extracting(TrainingListener.SampleImage::caption)
                .containsExactly(
                        "a wall (seed 0): scale 0.247",
                        "a wall (seed 0): scale 0.414",
                        "a wall (seed 0): scale 0.582",
                        "a wall (seed 0): scale 0.749");
    }

    @Test
    void aBaseModelIsSampledWithoutATemplate() throws IOException {
        Path file = samples("{\"prompt\": \"a wall\", \"num_inference_steps\": 1}");
        Recorder watcher = train(options("run")
                .template(null)
                .extraInputs(Set.of())
                .trainable(List.of("dit.proj_out"))
                .removedPrefix(null)
                .maxSteps(1)
                .set("samples", file));
        assertThat(watcher.samples).hasSize(1);
        GenerationParameters parameters = GenerationParameters.read(
                watcher.samples.getFirst().images().getFirst().file());
        assertThat(parameters.step()).isEqualTo(1);
        assertThat(parameters.templates()).isEmpty();
    }

    @Test
    void inputsThatDoNotFitTheTemplateAreRefusedBeforeTheFirstStep() throws IOException {
        Path file = samples(DARK, "{\"prompt\": \"a wall\", \"template_inputs\": {\"scal\": 1}}");
        TrainOptions options = options("run").set("samples", file).build();
        Recorder recorder = new Recorder();
        assertThatThrownBy(() -> new Trainer().run(options, recorder))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(file + ":2: 'template_inputs.scal': is not an input of this Template; it has scale");
        assertThat(recorder.steps).isEmpty();
    }

    @Test
    void aFileIsCheckedBeforeModelsAreLoaded() throws IOException {
        Path file = samples("{\"prompt\": \"a wall\", \"steps\": 4}");
        TrainOptions options = options("run").set("samples", file).build();
        assertThatThrownBy(() -> Trainer.check(options)).hasMessage(file + ":1: steps: is not a known field");
    }

    private TrainOptions.Builder secondStage(ModelFiles base, String output) {
        Path cache = folder.resolve("cache");
        return TinyDataset.options(base, cache, new CacheFolder(cache).index(), folder.resolve(output))
                .task(Task.SFT_TRAIN)
                .maxSteps(1);
    }

    @Test
    void theSecondStageNeedsTheModelsOfAGenerationAndAFile() throws IOException {
        new DatasetEncoder()
                .run(
                        dataset.options(folder.resolve("cache"))
                                .task(Task.SFT_DATA_PROCESS)
                                .build(),
                        EncodingListener.NONE);
        ModelFiles transformer = new ModelFiles(List.of(List.of(TestFiles.tinyModel("transformer"))), null);
        Path file = samples("{\"height\": 32, \"width\": 32, " + DARK.substring(1));
        assertThatThrownBy(() -> train(secondStage(transformer, "a").set("samples", file)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage(
                        "'sample_steps': samples need the text encoder and the VAE, which the pipeline was loaded without; add its files to --model_paths, or leave --sample_steps and --samples out");
        assertThatThrownBy(() -> train(secondStage(TinyTraining.base(), "b").set("sample_steps", 1)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'samples': is missing, but --task sft:train has no rows");
        Recorder one = train(dataset.options(folder.resolve("one")).maxSteps(1).set("samples", file));
        Recorder two = train(secondStage(TinyTraining.base(), "two").set("samples", file));
        assertThat(two.samples.getFirst().images().getFirst().file())
                .hasSameBinaryContentAs(
                        one.samples.getFirst().images().getFirst().file());
    }
}
