package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `stencil validate`: the options of a run, and one of its checkpoints.
class ValidateIT {

    @TempDir
    private Path temporary;

    private TrainingFolder training;

    @BeforeEach
    void makeDataset() throws IOException {
        training = TrainingFolder.make(temporary);
    }

    /// The options lie in the run; those that are given take their place.
    @Test
    void aRunIsMeasuredByItsOwnOptions() throws IOException {
        StencilRun.inProcess(training.words(
                        "--validation_metadata_path=" + training.metadata(),
                        "--keep_best=validation",
                        "--learning_rate=0.5",
                        "--max_steps=1"))
                .succeeded();
        StencilRun run =
                StencilRun.inProcess("validate", training.output().toString()).succeeded();
        List<String> lines = run.out().lines().toList();

        assertThat(lines.getFirst()).endsWith("best.safetensors: step 0, 3 rows");
        assertThat(lines.get(1)).matches("loss +\\d\\.\\d{6}");
        assertThat(lines.subList(2, 6))
                .allMatch(line -> line.matches(" {2}(most|much|little|least) noise +\\d\\.\\d{6}"));
        assertThat(lines.get(7)).matches(" {2}Template +-?\\d\\.\\d{6} \\[-?\\d+\\.\\d{6}, -?\\d+\\.\\d{6}] .*");
        assertThat(lines.get(8))
                .contains("input")
                .endsWith("loss with the inputs of other rows minus the loss with the right ones");
        assertThat(lines.getLast()).startsWith("the Template ");

        Path report = temporary.resolve("report.json");
        StencilRun.inProcess("validate", training.output().toString(), "--output_path=" + report)
                .succeeded();
        JsonNode json = Json.MAPPER.readTree(Files.readString(report));
        assertThat(json.properties().stream().map(Map.Entry::getKey))
                .containsExactly(
                        "checkpoint",
                        "step",
                        "rows",
                        "loss",
                        "bands",
                        "template_gain",
                        "steering_gain",
                        "finding",
                        "seconds");
        assertThat(json.get("checkpoint").asText()).endsWith("best.safetensors");
        assertThat(lines.get(1))
                .endsWith(String.format(Locale.ROOT, " %.6f", json.get("loss").asDouble()));
        assertThat(lines.getLast()).isEqualTo(json.get("finding").asText());
        assertThat(json.get("bands")).hasSize(4);

        Path one = training.dataset().resolve("one.jsonl");
        Files.write(one, Files.readAllLines(training.metadata()).subList(0, 1));
        StencilRun other = StencilRun.inProcess(
                        "validate", training.output().toString(), "--validation-metadata-path=" + one)
                .succeeded();
        assertThat(other.out())
                .contains("step 0, 1 rows")
                .contains("one row is held out, too few to measure whether the Template uses its input: hold out more");
    }

    @Test
    void whatCannotBeMeasuredIsNamed() {
        StencilRun.inProcess("validate", temporary.resolve("none.safetensors").toString())
                .failed(1, "none.safetensors", "no such file; name a checkpoint or the folder of a run");
        StencilRun.inProcess("validate", training.metadata().toString(), "--output_path=report.txt")
                .failed(1, "'output_path': 'report.txt' must end in .json");
        StencilRun.inProcess(training.words("--max_steps=1")).succeeded();
        StencilRun.inProcess("validate", training.output().toString())
                .failed(1, "'validation_metadata_path': is missing: name the rows to measure");
    }
}
