package io.stencil.train.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunLogsTest {

    @TempDir
    private Path folder;

    /// Names of the files under the folder that this process has open.
    private List<String> open() throws IOException {
        List<String> names = new ArrayList<>();
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors.toList()) {
                if (Files.isSymbolicLink(descriptor)) {
                    Path file = Files.readSymbolicLink(descriptor);
                    if (file.startsWith(folder)) {
                        names.add(file.getFileName().toString());
                    }
                }
            }
        }
        return names;
    }

    @Test
    void aLogThatCannotBeOpenedLeavesNoOtherOpen() throws IOException {
        TrainOptions options = TrainOptions.builder(
                        new ModelFiles(List.of(List.of(Path.of("a.safetensors"))), null),
                        Path.of("data"),
                        Path.of("data/m.jsonl"),
                        folder)
                .trainable(List.of("dit"))
                .csvLog(true)
                .set("enable_tensorboard_log", true)
                .build();
        Path blocked = Files.createFile(folder.resolve("tensorboard"));
        assertThatThrownBy(() -> new RunLogs(options, 1, 0, TrainingListener.NONE))
                .isInstanceOf(InvalidFileException.class);
        assertThat(open()).isEmpty();

        Files.delete(blocked);
        try (RunLogs _ = new RunLogs(options, 1, 0, TrainingListener.NONE)) {
            assertThat(open()).contains("events.jsonl", "training_log.csv");
        }
        assertThat(open()).isEmpty();
    }
}
