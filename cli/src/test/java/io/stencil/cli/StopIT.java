package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Trainings whose Template's code never comes back, or ends the process.
@Timeout(600)
class StopIT {

    private static final String FORWARD =
            "return TemplateCache.of(keyValues.forward(inputs.scale(), context.dtype(), context.device()));";
    private static final String ENDLESS = "while (true) { Thread.onSpinWait(); }";

    @TempDir
    private Path temporary;

    private TrainingFolder training;

    @BeforeEach
    void makeDataset() throws IOException {
        training = TrainingFolder.make(temporary);
    }

    /// @param third what the third forward pass does
    private String[] words(String third, String... more) throws IOException {
        Path template = Files.createDirectories(temporary.resolve("template"));
        String model = Files.readString(TestFiles.root().resolve("examples/brightness/Model.java"));
        assertThat(model).contains(FORWARD);
        Files.writeString(
                template.resolve("Model.java"),
                model.replace(FORWARD, "if (++count == 3) { " + third + " } " + FORWARD)
                        .replace(
                                "private final ValueKeyValues keyValues;",
                                "private final ValueKeyValues keyValues; private int count;"));
        return Stream.concat(
                        Arrays.stream(training.words(
                                "--template_model_id_or_path=" + template, "--max_steps=20", "--enable_csv_log")),
                        Arrays.stream(more))
                .toArray(String[]::new);
    }

    private void awaitTwoSteps(StencilProcess run) throws IOException, InterruptedException {
        Path log = training.output().resolve("training_log.csv");
        while (run.process().isAlive()
                && (Files.notExists(log) || Files.readAllLines(log).size() < 3)) {
            Thread.sleep(100);
        }
    }

    /// As a person does who sees that nothing happens.
    private static StencilRun signalUntilItEnds(StencilProcess run, String signal)
            throws IOException, InterruptedException {
        while (run.process().isAlive()) {
            new ProcessBuilder("kill", signal, Long.toString(run.process().pid()))
                    .start()
                    .waitFor();
            boolean _ = run.process().waitFor(1500, TimeUnit.MILLISECONDS);
        }
        return run.await();
    }

    /// Meanwhile its folder is its own.
    @Test
    void anEndlessForwardEndsAtTheSecondSignal() throws IOException, InterruptedException {
        StencilProcess run = StencilProcess.start(temporary, words(ENDLESS));
        awaitTwoSteps(run);
        StencilRun.inProcess(training.words())
                .failed(
                        1,
                        "'output_path': '%s' is in use by another run (process %s on "
                                .formatted(training.output(), run.process().pid()));
        StencilRun ended = signalUntilItEnds(run, "-INT");
        assertThat(ended.exitCode()).as(ended.err()).isEqualTo(130);
        assertThat(ended.err())
                .contains("stopping after this step, then saving; a second Ctrl-C ends at once")
                .endsWith("stencil: ended at once: steps 1 to 2 are lost; nothing was saved yet"
                        + System.lineSeparator());
    }

    @Test
    void anEndlessDataProcessorOnAThreadOfItsOwnEndsAtTheSecondSignal() throws IOException, InterruptedException {
        String[] words = words("", "--dataset_num_workers=1", "--save_steps=1");
        Path model = temporary.resolve("template/Model.java");
        String end = "\n}\n";
        String text = Files.readString(model);
        assertThat(text).endsWith(end);
        Files.writeString(model, text.substring(0, text.length() - end.length()) + """

                            public record Row(double scale) {}

                            @Override
                            public java.util.Optional<io.stencil.template.DataProcessor<Row, Input>> dataProcessor() {
                                return java.util.Optional.of(row -> {
                                    String thread = Thread.currentThread().getName();
                                    if (thread.startsWith("rows-") && row.scale() == 0.4) { %s }
                                    return new Input(row.scale());
                                });
                            }
                        }
                        """.formatted(ENDLESS));
        StencilProcess run = StencilProcess.start(temporary, words);
        while (run.process().isAlive() && !run.errorsSoFar().contains("training ")) {
            Thread.sleep(100);
        }
        StencilRun ended = signalUntilItEnds(run, "-INT");
        assertThat(ended.exitCode()).as(ended.err()).isEqualTo(130);
        assertThat(ended.err())
                .contains("stopping after this step, then saving")
                .contains("stencil: ended at once: ")
                .containsAnyOf(" is lost; ", " are lost; "); // how many steps, the moment of the signal decides
    }

    @Test
    void systemExitInATemplateEndsTheProcessAndIsNoSuccess() throws IOException, InterruptedException {
        StencilRun run = StencilProcess.run(temporary, words("System.exit(0);", "--save_steps=1"));
        assertThat(run.err())
                .endsWith("stencil: System.exit was called before the work was done: the present step is lost; "
                        + "step-2.state stays"
                        + System.lineSeparator());
        assertThat(run.exitCode()).isEqualTo(1);
    }

    @Test
    void launchPassesTheSecondSignalOn() throws IOException, InterruptedException {
        String[] words = Stream.concat(Stream.of("launch", "--nproc_per_node", "2"), Arrays.stream(words(ENDLESS)))
                .toArray(String[]::new);
        StencilProcess run = StencilProcess.start(temporary, words);
        awaitTwoSteps(run);
        StencilRun ended = signalUntilItEnds(run, "-TERM");
        for (int rank = 0; rank < 2; rank++) {
            assertThat(ended.err())
                    .contains("[%s] stopping after this step, then saving".formatted(rank))
                    .contains("[%s] stencil: ended at once: ".formatted(rank));
        }
        assertThat(ended.exitCode()).as(ended.err()).isEqualTo(130);
    }
}
