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

    private static final int LINES_AT_MOST = 3;
    private static final int MILLISECONDS_AT_MOST = 100;

    @TempDir
    private Path temporary;

    private TrainingFolder training;

    @BeforeEach
    void makeDataset() throws IOException {
        training = TrainingFolder.make(temporary);
    }

    @Test
    @Timeout(600)
    void fiveKillsLeaveNoTrace() throws IOException, InterruptedException {
        assertKillsLeaveNoTrace(5, 50, 7);
    }

    @Test
    @Tag("soak")
    @Timeout(1800)
    void thirtyKillsLeaveNoTrace() throws IOException, InterruptedException {
        assertKillsLeaveNoTrace(30, 300, 8);
    }

    /// @param steps of the run: more than it can do between the kills
    private void assertKillsLeaveNoTrace(int kills, int steps, long seed) throws IOException, InterruptedException {
        Path whole = temporary.resolve("whole");
        StencilProcess.run(temporary, words(steps, "--output_path=" + whole)).succeeded();
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < kills; i++) {
            killed(start(steps), random.nextInt(LINES_AT_MOST + 1), random.nextInt(MILLISECONDS_AT_MOST));
        }
        start(steps).await().succeeded();
        String last = "checkpoints/step-" + steps + ".safetensors";
        assertThat(training.output().resolve(last)).hasSameBinaryContentAs(whole.resolve(last));
        assertThat(log(training.output())).hasSize(steps + 1).isEqualTo(log(whole));
        assertThat(names(training.output()))
                .isEqualTo(names(whole))
                .noneMatch(name -> name.matches("(.*/)?\\.(?!stencil\\.lock).*"));
        assertThat(events(training.output())).isEqualTo(events(whole)).hasSize(steps + steps / 2);
    }

    private String[] words(int steps, String... more) {
        return training.words(Stream.concat(
                        Stream.of("--max_steps=" + steps, "--save_steps=2", "--enable_csv_log", "--ema_decay=0.9"),
                        Stream.of(more))
                .toArray(String[]::new));
    }

    /// Goes on where there is a state, and begins anew where the kill came before the first.
    private StencilProcess start(int steps) throws IOException {
        boolean resumable = Files.isDirectory(training.output())
                && names(training.output()).stream().anyMatch(name -> name.matches("checkpoints/step-\\d+\\.state"));
        if (resumable) {
            return StencilProcess.start(temporary, words(steps, "--output_path=", "--resume=" + training.output()));
        }
        delete(training.output());
        return StencilProcess.start(temporary, words(steps));
    }

    /// Kills a run when it has logged so many new lines, and some milliseconds later.
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
        assertThat(run.await().exitCode()).as("killed, and not done before").isEqualTo(137);
    }

    private long bytes() throws IOException {
        Path log = training.output().resolve("training_log.csv");
        return Files.exists(log) ? Files.size(log) : 0;
    }

    private static List<String> log(Path output) throws IOException {
        return Files.readAllLines(output.resolve("training_log.csv")).stream()
                .map(line -> line.substring(0, line.lastIndexOf(',')))
                .toList();
    }

    private static List<String> names(Path output) throws IOException {
        return StencilRun.content(output);
    }

    /// Events of steps and checkpoints, without seconds and without the starts of each process.
    private static List<String> events(Path output) throws IOException {
        return Files.readAllLines(output.resolve("events.jsonl")).stream()
                .filter(line -> line.matches("\\{\"type\":\"(step|checkpoint)\".*}"))
                .map(line -> line.replaceFirst("\"seconds\":[^,}]+", ""))
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
