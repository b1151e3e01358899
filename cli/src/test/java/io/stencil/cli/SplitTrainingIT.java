package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// `sft:data_process` and `sft:train` as processes, the first of them killed without warning.
class SplitTrainingIT {

    private static final int STARTING_MILLISECONDS = 2500;

    @TempDir
    private Path temporary;

    private TrainingFolder training;

    @BeforeEach
    void makeDataset() throws IOException {
        training = TrainingFolder.make(temporary);
    }

    @Test
    @Timeout(600)
    void killedTwiceTheStagesEndWithTheWeightsOfOne() throws IOException, InterruptedException {
        assertKillsLeaveNoTrace(2, 3);
    }

    @Test
    @Tag("soak")
    @Timeout(1800)
    void killedThirtyTimesTheStagesEndWithTheWeightsOfOne() throws IOException, InterruptedException {
        assertKillsLeaveNoTrace(30, 4);
    }

    private void assertKillsLeaveNoTrace(int kills, long seed) throws IOException, InterruptedException {
        manyRows(300);
        StencilProcess.run(temporary, training.words("--max_steps=3")).succeeded();
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < kills; i++) {
            StencilProcess run = StencilProcess.start(temporary, words());
            awaitSamples(samples() + (i % 3 == 0 ? 0 : 1), run); // some are killed while they start
            Thread.sleep(random.nextInt(i % 3 == 0 ? STARTING_MILLISECONDS : 50));
            run.process().destroyForcibly();
            assertThat(run.await().exitCode()).isIn(137, 0);
        }
        StencilProcess.run(temporary, words()).succeeded();
        StencilRun inspected = StencilProcess.run(temporary, "inspect", cache().toString());
        assertThat(inspected.succeeded().out())
                .contains("dataset of encoded samples", "300", "vae sha256", "template code sha256");
        assertThat(hidden()).isEmpty();

        StencilProcess.run(
                        temporary,
                        training.words(
                                "--task=sft:train",
                                "--model_paths=[\"%s\"]".formatted(TestFiles.tinyModel("transformer")),
                                "--dataset_metadata_path=",
                                "--dataset_base_path=" + cache(),
                                "--max_steps=3",
                                "--output_path=" + temporary.resolve("two")))
                .succeeded();
        assertThat(temporary.resolve("two/checkpoints/step-3.safetensors"))
                .hasSameBinaryContentAs(training.output().resolve("checkpoints/step-3.safetensors"));
    }

    private void manyRows(int count) throws IOException {
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < count; i++) {
            rows.append(TrainingFolder.row(
                    "\"%s.png\"".formatted(i % 3), String.format(Locale.ROOT, "{\"scale\": %.3f}", i / 1000.0)));
        }
        training.write(rows.toString());
    }

    private String[] words() {
        return training.words("--task=sft:data_process", "--output_path=" + cache());
    }

    private Path cache() {
        return temporary.resolve("cache");
    }

    private void awaitSamples(int count, StencilProcess run) throws IOException, InterruptedException {
        while (samples() < count && run.process().isAlive()) {
            Thread.sleep(5);
        }
    }

    private int samples() throws IOException {
        return (int) names().stream().filter(name -> !name.startsWith(".")).count();
    }

    private List<String> hidden() throws IOException {
        return names().stream().filter(name -> name.startsWith(".")).toList();
    }

    private List<String> names() throws IOException {
        Path samples = cache().resolve("samples");
        if (!Files.isDirectory(samples)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(samples)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
