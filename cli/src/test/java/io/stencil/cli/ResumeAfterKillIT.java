package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// `stencil train` as a process that is killed without warning, at any moment, and goes on with `--resume`.
class ResumeAfterKillIT {

    private static final int EVENTS_AT_MOST = 6;
    private static final int MILLISECONDS_AT_MOST = 100;

    @TempDir
    private Path temporary;

    private TrainingFolder training;

    @BeforeEach
    void makeDataset() throws IOException {
        training = TrainingFolder.make(temporary);
        Files.writeString(
                temporary.resolve("samples.jsonl"),
                "{\"prompt\": \"a circle\", \"num_inference_steps\": 3, \"template_inputs\": {\"scale\": 0.7}}");
        Files.write(
                training.dataset().resolve("held-out.jsonl"),
                Files.readAllLines(training.metadata()).subList(0, 1));
    }

    @Test
    @Timeout(600)
    void fiveKillsLeaveNoTrace() throws IOException, InterruptedException {
        assertKillsLeaveNoTrace(5, 24, 7);
    }

    @Test
    @Tag("soak")
    @Timeout(1800)
    void thirtyKillsLeaveNoTrace() throws IOException, InterruptedException {
        assertKillsLeaveNoTrace(30, 96, 8);
    }

    /// @param steps of the run: more than it can do between the kills, and a multiple of eight, so that its end is one
    ///     of the steps that are validated and sampled
    private void assertKillsLeaveNoTrace(int kills, int steps, long seed) throws IOException, InterruptedException {
        Path whole = temporary.resolve("whole");
        StencilProcess.run(temporary, words(steps, "--output_path=" + whole)).succeeded();
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < kills; i++) {
            killed(start(steps), random.nextInt(EVENTS_AT_MOST + 1), random.nextInt(MILLISECONDS_AT_MOST));
        }
        start(steps).await().succeeded();
        for (String same : files(whole, "checkpoints/(step-" + steps + "|best)\\.safetensors|samples/.*\\.png")) {
            assertThat(training.output().resolve(same)).hasSameBinaryContentAs(whole.resolve(same));
        }
        assertThat(log(training.output())).hasSize(steps + 1).isEqualTo(log(whole));
        assertThat(files(training.output(), "(?!tensorboard/).*"))
                .isEqualTo(files(whole, "(?!tensorboard/).*"))
                .noneMatch(name -> name.matches("(.*/)?\\.(?!stencil\\.lock).*"));
        assertThat(events(training.output())).isEqualTo(events(whole));
        assertThat(events(whole).stream().map(event -> event.replaceFirst("\\{\"type\":\"(\\w+)\".*", "$1")))
                .contains("checkpoint")
                .satisfies(types -> {
                    assertThat(types).filteredOn("step"::equals).hasSize(steps);
                    assertThat(types).filteredOn("validation"::equals).hasSize(steps / 4 + 1);
                    assertThat(types).filteredOn("samples"::equals).hasSize(steps / 8);
                });
        assertThat(files(training.output(), "tensorboard/events\\.out\\.tfevents\\..*"))
                .hasSizeBetween(1, kills + 1);
    }

    private String[] words(int steps, String... more) {
        return training.words(Stream.concat(
                        Stream.of(
                                "--max_steps=" + steps,
                                "--save_steps=2",
                                "--enable_csv_log",
                                "--enable_tensorboard_log",
                                "--ema_decay=0.9",
                                "--validation_metadata_path="
                                        + training.dataset().resolve("held-out.jsonl"),
                                "--validation_steps=4",
                                "--keep_best=validation",
                                "--samples=" + temporary.resolve("samples.jsonl"),
                                "--sample_steps=8"),
                        Stream.of(more))
                .toArray(String[]::new));
    }

    /// Goes on where there is a state, and begins anew where the kill came before the first.
    private StencilProcess start(int steps) throws IOException {
        boolean resumable = Files.isDirectory(training.output())
                && StencilRun.content(training.output()).stream()
                        .anyMatch(name -> name.matches("checkpoints/step-\\d+\\.state"));
        if (resumable) {
            return StencilProcess.start(temporary, words(steps, "--output_path=", "--resume=" + training.output()));
        }
        delete(training.output());
        return StencilProcess.start(temporary, words(steps));
    }

    /// Kills a run when it has logged so many new events, of steps, validations, samples and checkpoints, and some
    /// milliseconds later.
    private void killed(StencilProcess run, int lines, int milliseconds) throws IOException, InterruptedException {
        long before = bytes();
        long now = before;
        int changes = 0;
        while (run.process().isAlive() && changes < lines) {
            Thread.sleep(5);
            long found = bytes();
            if (found > now) {
                changes++;
            }
            now = found;
        }
        Thread.sleep(lines == 0 ? 10L * milliseconds : milliseconds); // without a line: while it starts
        run.process().destroyForcibly();
        StencilRun ended = run.await();
        assertThat(ended.exitCode())
                .as("killed, and not done before:%n%s", ended.err())
                .isEqualTo(137);
    }

    private long bytes() throws IOException {
        Path log = training.output().resolve("events.jsonl");
        return Files.exists(log) ? Files.size(log) : 0;
    }

    private static List<String> log(Path output) throws IOException {
        return Files.readAllLines(output.resolve("training_log.csv")).stream()
                .map(line -> line.substring(0, line.lastIndexOf(',')))
                .toList();
    }

    private static List<String> files(Path output, String pattern) throws IOException {
        return StencilRun.content(output).stream()
                .filter(name -> name.matches(pattern))
                .toList();
    }

    /// Events without seconds and without the starts of each process. Each line is whole.
    private static List<String> events(Path output) throws IOException {
        List<String> lines = Files.readAllLines(output.resolve("events.jsonl"));
        assertThat(lines).allMatch(line -> line.matches("\\{\"type\":\"\\w+\",\"step\":\\d+,.*}"));
        return lines.stream()
                .filter(line -> !line.startsWith("{\"type\":\"start\""))
                .map(line -> line.replaceFirst("\"seconds\":[^,}]+", "").replaceFirst("\"time\":\"[^\"]+\"", ""))
                .toList();
    }

    private static void delete(Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (Stream<Path> content = Files.walk(folder)) {
                for (Path path : content.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }
}
