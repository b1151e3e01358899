package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.safetensors.SafetensorsFile;
import io.stencil.safetensors.SafetensorsHeader;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// `stencil train` as a process, from pictures and a metadata file to a Template that steers.
class TrainIT {

    @TempDir
    private Path temporary;

    private TrainingFolder training;

    @BeforeEach
    void makeDataset() throws IOException {
        training = TrainingFolder.make(temporary);
    }

    private static List<String> losses(Path output) throws IOException {
        return Files.readAllLines(output.resolve("training_log.csv")).stream()
                .skip(1)
                .map(line -> line.split(",", -1)[2])
                .toList();
    }

    @Test
    void aTrainedTemplateGenerates() throws IOException, InterruptedException {
        StencilRun run = StencilProcess.run(
                        temporary, training.words("--num_epochs=2", "--enable_csv_log", "--dataset_shuffle=false"))
                .succeeded();

        assertThat(run.out().lines())
                .containsExactly(
                        "wrote " + training.output().resolve("checkpoints/epoch-0.safetensors"),
                        "wrote " + training.output().resolve("checkpoints/epoch-1.safetensors"));
        assertThat(run.err())
                .contains("parameters in 50 tensors on 3 rows for 6 steps, seed 1")
                .contains("step 6/6  loss ");
        assertThat(StencilRun.content(training.output()))
                .containsExactly(
                        "checkpoints",
                        "checkpoints/epoch-0.safetensors",
                        "checkpoints/epoch-1.safetensors",
                        "checkpoints/step-3.state",
                        "checkpoints/step-3.state/dataset.json",
                        "checkpoints/step-3.state/trainer.json",
                        "checkpoints/step-3.state/trainer.safetensors",
                        "checkpoints/step-6.state",
                        "checkpoints/step-6.state/dataset.json",
                        "checkpoints/step-6.state/trainer.json",
                        "checkpoints/step-6.state/trainer.safetensors",
                        "events.jsonl",
                        "index.html",
                        "training_args.json",
                        "training_log.csv");
        assertThat(losses(training.output())).hasSize(6);
        assertThat(SafetensorsHeader.read(training.output().resolve("checkpoints/epoch-1.safetensors"))
                        .entries()
                        .keySet())
                .isEqualTo(SafetensorsHeader.read(TestFiles.golden("template_train_start/model.safetensors"))
                        .entries()
                        .keySet());

        Path template = Files.createDirectory(temporary.resolve("trained"));
        Files.copy(training.output().resolve("checkpoints/epoch-1.safetensors"), template.resolve("model.safetensors"));
        StencilRun.inProcess(
                        "generate",
                        "--model_paths=" + ShortPrompts.model(),
                        "--template_model_id_or_path=" + template,
                        "--template_inputs={\"scale\": 0.5}",
                        "--prompt=a circle",
                        "--height=64",
                        "--width=96",
                        "--num_inference_steps=1",
                        "--output=" + temporary.resolve("a.png"))
                .succeeded();
        assertThat(temporary.resolve("a.png")).exists();
        assertThat(StencilRun.inProcess("inspect", training.output().toString())
                        .succeeded()
                        .out())
                .contains("training", "value Template for 5 blocks, length 8, a checkpoint after 6 training steps");
    }

    @Test
    void aSeedRepeatsARunAndACheckpointIsGoneOnFrom() throws IOException {
        Path first = temporary.resolve("first");
        Path second = temporary.resolve("second");
        Path third = temporary.resolve("third");
        for (Path output : List.of(first, second)) {
            StencilRun.inProcess(training.words("--output_path=" + output, "--enable_csv_log"))
                    .succeeded();
        }
        assertThat(losses(first)).hasSize(3).isEqualTo(losses(second));

        StencilRun.inProcess(training.words(
                        "--output_path=" + third,
                        "--enable_csv_log",
                        "--resume_from_checkpoint=" + first.resolve("checkpoints/epoch-0.safetensors")))
                .succeeded();
        assertThat(losses(third)).hasSize(3).isNotEqualTo(losses(first));
    }

    @Test
    @Timeout(600)
    void ctrlCSavesAndEndsWith130() throws IOException, InterruptedException {
        StencilProcess process =
                StencilProcess.start(temporary, training.words("--dataset_repeat=100000", "--enable_csv_log"));
        Path log = training.output().resolve("training_log.csv");
        while (process.process().isAlive()
                && (Files.notExists(log) || losses(training.output()).size() < 3)) {
            Thread.sleep(100);
        }
        process.interrupt();
        StencilRun run = process.await();

        assertThat(run.exitCode()).as(run.err()).isEqualTo(130);
        int steps = losses(training.output()).size();
        Path checkpoint = training.output().resolve("checkpoints/step-" + steps + ".safetensors");
        assertThat(SafetensorsHeader.read(checkpoint).entries()).hasSize(50);
        assertThat(run.out()).isEqualTo("wrote " + checkpoint + System.lineSeparator());
        assertThat(run.err())
                .contains("stopping after this step, then saving")
                .endsWith("interrupted after %s steps%n".formatted(steps));
    }

    @Test
    @Timeout(600)
    void aSaveThatFailsAfterCtrlCIsToldAndEndsWith1() throws IOException, InterruptedException {
        StencilProcess process =
                StencilProcess.start(temporary, training.words("--dataset_repeat=100000", "--enable_csv_log"));
        Path log = training.output().resolve("training_log.csv");
        while (process.process().isAlive()
                && (Files.notExists(log) || losses(training.output()).size() < 3)) {
            Thread.sleep(100);
        }
        Files.move(training.output(), temporary.resolve("moved"));
        Files.writeString(training.output(), "in the way");
        process.interrupt();
        StencilRun run = process.await();

        assertThat(run.err())
                .contains("stopping after this step, then saving")
                .containsPattern("stencil: .*step-\\d+\\.safetensors: cannot be written: ");
        assertThat(run.exitCode()).isEqualTo(1);
    }

    @Test
    void aRunGoesOnInItsFolderAndNoOtherTouchesIt() throws IOException {
        StencilRun.inProcess(training.words("--enable_csv_log", "--save_steps=2"))
                .succeeded();
        StencilRun.inProcess(training.words())
                .failed(1, "'output_path': '" + training.output() + "' holds another run", "--resume");
        StencilRun.inProcess(training.words("--output_path=", "--resume=" + training.output(), "--seed=2"))
                .failed(1, "'seed': is 2, but the run in '" + training.output() + "' began with 1");
        StencilRun.inProcess(training.words("--resume=elsewhere"))
                .failed(1, "'resume': 'elsewhere' does not exist; name the output folder of a run");
        Path other = Files.createDirectory(temporary.resolve("elsewhere"));
        StencilRun.inProcess(training.words("--resume=" + other))
                .failed(1, "'resume': is '" + other + "', but --output_path is '" + training.output() + "'");
        Path config = Files.writeString(temporary.resolve("run.yaml"), "resume: " + training.output() + "\n");
        StencilRun resumed = StencilRun.inProcess(
                        training.words("--output_path=", "--enable_csv_log", "--config=" + config))
                .succeeded();
        assertThat(resumed.err()).contains("going on after step 3");
        assertThat(resumed.out()).isEmpty();
    }

    /// From another folder too, and after it was moved.
    @Test
    void aRunGoesOnWithTheOptionsItBeganWith() throws IOException, InterruptedException {
        Path whole = temporary.resolve("whole");
        StencilRun.inProcess(training.words(
                        "--output_path=" + whole, "--max_steps=6", "--max_grad_norm=0.5", "--ema_decay=0.9"))
                .succeeded();
        Path first = temporary.resolve("first");
        StencilRun.inProcess(training.words(
                        "--output_path=" + first, "--num_epochs=1", "--max_grad_norm=0.5", "--ema_decay=0.9"))
                .succeeded();
        Path moved = Files.move(first, temporary.resolve("moved"));
        Path elsewhere = Files.createDirectory(temporary.resolve("elsewhere"));
        StencilRun run = StencilProcess.run(elsewhere, "train", "--resume", "../moved", "--max_steps", "6")
                .succeeded();
        assertThat(run.err()).contains("for 6 steps, seed 1").contains("going on after step 3");
        assertThat(moved.resolve("checkpoints/step-6.safetensors"))
                .hasSameBinaryContentAs(whole.resolve("checkpoints/step-6.safetensors"));
        assertThat(first).doesNotExist();

        StencilRun.inProcess("train", "--resume=" + moved, "--learning_rate=1")
                .failed(1, "'learning_rate': is 1.0, but the run in '" + moved + "' began with 0.001");
        StencilRun.inProcess("train", "--resume=" + elsewhere)
                .failed(
                        1,
                        "'resume': '" + elsewhere
                                + "' is not the output folder of a run: it holds no training_args.json",
                        "--trainable_models");
        StencilRun.inProcess("train", "--resume", temporary + "/nosuch")
                .failed(1, "'resume': '" + temporary + "/nosuch' does not exist");
        StencilRun.inProcess("train", "--resume=" + moved + "/training_args.json")
                .failed(1, "'resume': '" + moved + "/training_args.json' is not a directory");
    }

    @Test
    void theArgumentsOfARunAreAConfigurationFile() throws IOException {
        Path first = temporary.resolve("first");
        Path second = temporary.resolve("second");
        StencilRun.inProcess(training.words(
                        "--output_path=" + first,
                        "--num_epochs=1",
                        "--activation_memory=1GB",
                        "--ema_decay=0.9",
                        "--save_raw_weights"))
                .succeeded();
        String config = "--config=" + first.resolve("training_args.json");
        StencilRun.inProcess("train", config).failed(1, "'output_path': '" + first + "' holds another run");
        StencilRun.inProcess("train", config, "--output_path=" + second, "--max_steps=3")
                .succeeded();
        for (String kind : List.of(".safetensors", ".raw.safetensors")) {
            assertThat(Files.size(second.resolve("checkpoints/step-3" + kind))).isPositive();
        }
        try (SafetensorsFile a = SafetensorsFile.open(first.resolve("checkpoints/epoch-0.safetensors"));
                SafetensorsFile b = SafetensorsFile.open(second.resolve("checkpoints/step-3.safetensors"))) {
            for (String name : a.entries().keySet()) {
                assertThat(b.segment(name).mismatch(a.segment(name))).as(name).isEqualTo(-1);
            }
        }
    }

    @Test
    void theArgumentsOfTwoStagesAreConfigurationFiles() throws IOException {
        Path cache = temporary.resolve("cache");
        Path first = temporary.resolve("first");
        StencilRun.inProcess(training.words("--task=sft:data_process", "--output_path=" + cache))
                .succeeded();
        StencilRun.inProcess(training.words(
                        "--task=sft:train",
                        "--dataset_base_path=" + cache,
                        "--dataset_metadata_path=",
                        "--height=",
                        "--width=",
                        "--max_steps=2",
                        "--output_path=" + first))
                .succeeded();
        StencilRun resumed = StencilRun.inProcess("train", "--resume=" + first, "--max_steps=3")
                .succeeded();
        assertThat(resumed.err()).contains("going on after step 2");
        assertThat(first.resolve("checkpoints/step-3.safetensors")).exists();
    }

    @Test
    void aDistilledBaseModelIsWarnedOf() throws IOException {
        Path model = temporary.resolve("distilled");
        Files.createDirectory(model);
        for (String part : List.of("transformer", "vae", "text_encoder", "tokenizer")) {
            Files.createSymbolicLink(model.resolve(part), TestFiles.tinyModel(part));
        }
        Files.writeString(model.resolve("model_index.json"), "{\"is_distilled\": true}");

        StencilRun run =
                StencilRun.inProcess(training.words("--model_paths=" + model)).succeeded();

        assertThat(run.err()).contains("stencil: warning: ").contains("distilled");
    }
}
