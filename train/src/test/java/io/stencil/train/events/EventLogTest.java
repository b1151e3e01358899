package io.stencil.train.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.train.checkpoint.RunFolder;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.events.TrainingListener.RunEnd;
import io.stencil.train.events.TrainingListener.RunEnd.Reason;
import io.stencil.train.events.TrainingListener.SampleImage;
import io.stencil.train.events.TrainingListener.SamplesReport;
import io.stencil.train.events.TrainingListener.StepReport;
import io.stencil.train.events.TrainingListener.TrainingStart;
import io.stencil.train.validation.ValidationReport;
import io.stencil.train.validation.ValidationReport.Interval;
import io.stencil.train.validation.ValidationReport.SteeringGain;
import io.stencil.train.validation.ValidationReport.ValidationLoss;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventLogTest {

    @TempDir
    private Path folder;

    private final List<ObjectNode> seen = new ArrayList<>();

    private EventLog log(long doneSteps) {
        return new EventLog(new RunFolder(folder), doneSteps, seen::add);
    }

    private List<String> lines() throws IOException {
        return Files.readAllLines(folder.resolve("events.jsonl"));
    }

    private static TrainingStart start(long doneSteps) {
        return new TrainingStart(
                9,
                3,
                1,
                7,
                42,
                doneSteps,
                2,
                new DatasetRow(Path.of("1.png"), "a cat", List.of(), null, 1, null, Location.ofField("row")),
                null);
    }

    private static StepReport step(long step) {
        return new StepReport(step, 9, 0, 0.5, 1e-4, step + 0.0004);
    }

    private void write(long first, long last) {
        try (EventLog log = log(first - 1)) {
            log.onStart(start(first - 1));
            for (long step = first; step <= last; step++) {
                log.onStep(step(step));
                if (step % 2 == 0) {
                    log.onCheckpoint(folder.resolve("checkpoints/step-%s.safetensors".formatted(step)), step);
                }
            }
        }
    }

    @Test
    void eachEventIsALineAtOnce() throws IOException {
        try (EventLog log = log(0)) {
            log.onStart(start(0));
            assertThat(lines())
                    .singleElement()
                    .asString()
                    .matches("\\{\"type\":\"start\",\"step\":0,\"steps\":9,\"rows\":3,\"batch_size\":2,"
                            + "\"trainable_parameters\":7,\"seed\":42,\"time\":\"20.*Z\"}");
            log.onStep(step(1));
            log.onWarning("a \"warning\"\nof two lines");
            log.onValidation(new ValidationReport(
                    1,
                    3,
                    new ValidationLoss(0.5, List.of(0.25, 0.75, Double.NaN, 0.5)),
                    null,
                    new SteeringGain(
                            new Interval(0.25, 0.125, 0.375), new Interval(0.5, Double.NEGATIVE_INFINITY, 3), 3, 3),
                    1,
                    0.5,
                    2));
            log.onSamples(new SamplesReport(
                    1,
                    folder.resolve("samples/step-000001"),
                    List.of(new SampleImage("a", folder.resolve("samples/step-000001/a.png"), "<red>")),
                    null,
                    0.5));
            log.onCheckpoint(folder.resolve("checkpoints/step-1.safetensors"), 1);
            log.onEnd(new RunEnd(Reason.FAILED, 1, 1.5, "no memory"));
        }
        assertThat(lines().subList(1, 6))
                .containsExactly(
                        "{\"type\":\"step\",\"step\":1,\"epoch\":0,\"loss\":0.5,\"learning_rate\":1.0E-4,\"seconds\":1.0}",
                        "{\"type\":\"warning\",\"step\":1,\"message\":\"a \\\"warning\\\"\\nof two lines\"}",
                        "{\"type\":\"validation\",\"step\":1,\"rows\":3,\"loss\":0.5,\"bands\":[0.25,0.75,null,0.5],"
                                + "\"template_gain\":{\"mean\":0.25,\"low\":0.125,\"high\":0.375},"
                                + "\"steering_gain\":{\"mean\":0.5,\"low\":null,\"high\":3.0},"
                                + "\"finding\":\"the Template does not use its input yet\","
                                + "\"best_step\":1,\"best_loss\":0.5,\"seconds\":2.0}",
                        "{\"type\":\"samples\",\"step\":1,\"folder\":\"samples/step-000001\","
                                + "\"images\":[{\"name\":\"a\",\"file\":\"samples/step-000001/a.png\",\"caption\":\"<red>\"}],"
                                + "\"seconds\":0.5}",
                        "{\"type\":\"checkpoint\",\"step\":1,\"file\":\"checkpoints/step-1.safetensors\"}");
        assertThat(lines().get(6))
                .matches("\\{\"type\":\"end\",\"step\":1,\"reason\":\"failed\",\"seconds\":1\\.5,"
                        + "\"message\":\"no memory\",\"time\":\".*\"}");
        assertThat(seen.stream().map(ObjectNode::toString)).containsExactlyElementsOf(lines());
        assertThat(EventLog.read(new RunFolder(folder)).stream().map(ObjectNode::toString))
                .containsExactlyElementsOf(lines());
    }

    /// As after a kill in the midst of line 8: what the resumed run does again is cut off.
    @Test
    void aResumedRunHasEachStepOnce() throws IOException {
        write(1, 7);
        Path file = folder.resolve("events.jsonl");
        Files.writeString(file, "{\"type\":\"step\",\"step\":4,", StandardOpenOption.APPEND);
        assertThat(EventLog.read(new RunFolder(folder))).hasSize(1 + 7 + 3);

        seen.clear();
        write(5, 9);
        assertThat(lines()).hasSize(2 + 9 + 4).allMatch(line -> line.endsWith("}"));
        List<ObjectNode> events = EventLog.read(new RunFolder(folder));
        assertThat(seen.stream().map(ObjectNode::toString)).containsExactlyElementsOf(lines());
        assertThat(events.stream()
                        .filter(event -> event.get("type").asText().equals("step"))
                        .map(event -> event.get("step").asInt()))
                .containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9);
        assertThat(events.stream().map(event -> event.get("step").asInt())).isSorted();
    }

    @Test
    void aRunBeginsWithAnEmptyLog() throws IOException {
        write(1, 3);
        try (EventLog log = log(0)) {
            log.onStep(step(1));
        }
        assertThat(lines()).hasSize(1);
    }

    @Test
    void aLogThatCannotBeWrittenIsNamed() throws IOException {
        Files.createDirectories(folder.resolve("events.jsonl/full"));
        assertThatThrownBy(() -> log(0))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(folder.resolve("events.jsonl") + ": cannot be written: ");
    }
}
