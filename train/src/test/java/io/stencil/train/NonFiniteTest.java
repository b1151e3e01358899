package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.testing.TestFiles;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Gradients that are NaN or infinite end a run at its last good state, and damaged states are passed over.
class NonFiniteTest {

    private static final String BREAKS = "stencil.test.breaks_at";
    private static final String FACTOR = "stencil.test.factor";

    @TempDir
    Path folder;

    @SuppressWarnings("NullAway.Init")
    private TinyDataset dataset;

    @BeforeEach
    void paint() throws IOException {
        dataset = TinyDataset.paint(Files.createDirectory(folder.resolve("data")), 6);
    }

    @AfterEach
    void mend() {
        System.clearProperty(BREAKS);
        System.clearProperty(FACTOR);
    }

    private TrainOptions.Builder options(String output) {
        return dataset.options(folder.resolve(output))
                .template(TestFiles.root().resolve("train/src/test/resources/templates/breaks"))
                .shuffle(false)
                .emaDecay(0.9)
                .maxSteps(6);
    }

    private static void train(TrainOptions.Builder options, Recorder recorder) {
        new Trainer().run(options.build(), recorder);
    }

    private void breakAt(int row) throws IOException {
        String line =
                Files.readAllLines(dataset.folder().resolve("metadata.jsonl")).get(row);
        System.setProperty(
                BREAKS, String.valueOf(Double.parseDouble(line.replaceAll(".*\"scale\": ([0-9.]+).*", "$1"))));
    }

    private List<String> saved(String output) throws IOException {
        Path checkpoints = folder.resolve(output).resolve("checkpoints");
        if (Files.notExists(checkpoints)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(checkpoints)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.startsWith("step-"))
                    .sorted()
                    .toList();
        }
    }

    private String rows(int... numbers) {
        StringBuilder text = new StringBuilder(numbers.length == 1 ? "(row " : "(rows ");
        for (int i = 0; i < numbers.length; i++) {
            text.append(i == 0 ? "" : ", ")
                    .append(dataset.folder().resolve("metadata.jsonl"))
                    .append(':')
                    .append(numbers[i]);
        }
        return text + ")";
    }

    /// In the last step of all too, whatever clips, averages or gathers.
    @ParameterizedTest
    @CsvSource({"5, 1, false, 5", "5, 1, true, 5", "3, 1, true, 3", "4, 3, false, 3"})
    void aGradientThatIsNotFiniteIsNotUsed(int bad, int accumulation, boolean clips, int savedStep) throws IOException {
        breakAt(bad);
        Recorder recorder = new Recorder();
        TrainOptions.Builder run = options("a").gradientAccumulationSteps(accumulation);
        if (clips) {
            run.maxGradNorm(1.0);
        }
        int step = accumulation == 1 ? bad + 1 : 6;
        assertThatThrownBy(() -> train(run, recorder))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'learning_rate': the gradient of 'pipe.template_model.")
                .hasMessageContaining(
                        "' is not finite (NaN or infinity) at step %s %s, and the update is not made; look at "
                                .formatted(step, accumulation == 1 ? rows(bad + 1) : rows(4, 5, 6)))
                .hasMessageEndingWith("(--resume_from_checkpoint)");
        assertThat(recorder.savedAtFailure).containsExactly((long) savedStep);
        assertThat(saved("a"))
                .containsExactly("step-%s.safetensors".formatted(savedStep), "step-%s.state".formatted(savedStep));
        assertFinite(folder.resolve("a/checkpoints/step-%s.safetensors".formatted(savedStep)));
        assertFinite(folder.resolve("a/checkpoints/step-%s.state/trainer.safetensors".formatted(savedStep)));

        System.clearProperty(BREAKS);
        Recorder whole = new Recorder();
        Recorder rest = new Recorder();
        TrainOptions.Builder other = options("whole").gradientAccumulationSteps(accumulation);
        if (clips) {
            other.maxGradNorm(1.0);
        }
        train(other, whole);
        train(run.resume(true), rest);
        assertThat(rest.losses()).isEqualTo(whole.losses().subList(savedStep, 6));
        assertThat(folder.resolve("a/checkpoints/step-6.safetensors"))
                .hasSameBinaryContentAs(folder.resolve("whole/checkpoints/step-6.safetensors"));
    }

    private static void assertFinite(Path file) {
        try (Scope _ = new Scope()) {
            assertThat(Tensors.firstNonFinite(TensorFiles.read(file))).isEmpty();
        }
    }

    /// Of an update that is half done: neither an interval nor a stop saves it.
    @Test
    void aGradientThatWaitsForItsUpdateIsNotSavedEither() throws IOException {
        breakAt(4);
        Recorder recorder = new Recorder();
        assertThatThrownBy(() -> train(options("a").gradientAccumulationSteps(3).saveSteps(5), recorder))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageMatching("'learning_rate': the gradient of 'pipe.template_model[^ ]*' is not finite "
                        + "\\(NaN or infinity\\) after step 5 and is not saved; look at .*");
        assertThat(recorder.savedAtFailure).containsExactly(3L);
        assertThat(saved("a")).containsExactly("step-3.safetensors", "step-3.state");
    }

    /// Its norm is infinite in float32, and that of a part may be.
    @Test
    void aFiniteGradientTooLargeForFloat32IsClippedOrRefused() throws IOException {
        breakAt(1);
        System.setProperty(FACTOR, "1e28");
        assertThatThrownBy(() -> train(options("a"), new Recorder()))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageMatching(
                        "'learning_rate': the gradient is too large for float32 \\(its norm is [^)]+\\) at step 2 "
                                + "\\(row .*metadata.jsonl:2\\), and the update is not made; .*");
        assertThat(saved("a")).containsExactly("step-1.safetensors", "step-1.state");

        Recorder clipped = new Recorder();
        train(options("b").maxGradNorm(1.0), clipped);
        assertThat(clipped.steps).hasSize(6);
        assertFinite(folder.resolve("b/checkpoints/step-6.state/trainer.safetensors"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"cut", "empty", "half", "missing", "zeros", "flipped"})
    void theStateBeforeADamagedOneIsUsed(String kind) throws IOException {
        Recorder whole = new Recorder();
        train(options("a").saveSteps(2), whole);
        Path state = folder.resolve("a/checkpoints/step-6.state");
        damage(kind, state);

        Recorder resumed = new Recorder();
        train(options("a").saveSteps(2).resume(true), resumed);
        assertThat(resumed.losses()).isEqualTo(whole.losses().subList(4, 6));
        assertThat(resumed.warnings)
                .singleElement()
                .asString()
                .startsWith("the state step-6.state is damaged (" + state);
        assertThat(resumed.warnings.getFirst())
                .endsWith(") and is renamed to step-6.state.damaged; going on from step-4.state");
        assertThat(saved("a"))
                .containsExactly(
                        "step-2.safetensors",
                        "step-4.safetensors",
                        "step-4.state",
                        "step-6.safetensors",
                        "step-6.state",
                        "step-6.state.damaged");
    }

    @Test
    void whereAllStatesAreDamagedEachIsTold() throws IOException {
        train(options("a").saveSteps(3), new Recorder());
        damage("cut", folder.resolve("a/checkpoints/step-6.state"));
        damage("empty", folder.resolve("a/checkpoints/step-3.state"));
        assertThatThrownBy(() -> train(options("a").saveSteps(3).resume(true), new Recorder()))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(folder.resolve("a") + ": no state in it can be read: "
                        + folder.resolve("a/checkpoints/step-6.state/trainer.safetensors"))
                .hasMessageContaining("; " + folder.resolve("a/checkpoints/step-3.state/trainer.json"));
        assertThat(saved("a"))
                .containsExactly("step-3.safetensors", "step-3.state", "step-6.safetensors", "step-6.state");
    }

    /// The failure comes a step after the update that broke the weights, before anything was saved.
    @Test
    void weightsThatAreNotFiniteAreNotSavedAfterAFailure() throws IOException {
        Recorder recorder = new Recorder();
        assertThatThrownBy(() -> train(options("a").learningRate(3e38), recorder))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'learning_rate': the loss is NaN at step 2 " + rows(2));
        assertThat(recorder.savedAtFailure).isEmpty();
        assertThat(saved("a")).isEmpty();
        assertThat(recorder.warnings)
                .singleElement()
                .asString()
                .startsWith("weights and state since the last checkpoint cannot be saved: 'learning_rate': the ")
                .contains(" is not finite (NaN or infinity) after step 1 and is not saved; ");
    }

    private static void damage(String kind, Path state) throws IOException {
        Path tensors = state.resolve("trainer.safetensors");
        Path json = state.resolve("trainer.json");
        switch (kind) {
            case "cut" -> truncate(tensors, Files.size(tensors) / 2);
            case "empty" -> truncate(json, 0);
            case "half" -> truncate(json, Files.size(json) / 2);
            case "missing" -> Files.delete(tensors);
            case "zeros" -> Files.write(tensors, new byte[Math.toIntExact(Files.size(tensors))]);
            case "flipped" -> {
                try (RandomAccessFile file = new RandomAccessFile(tensors.toFile(), "rw")) {
                    file.seek(file.length() - 8000);
                    file.write(new byte[512]);
                }
            }
            default -> throw new IllegalArgumentException(kind);
        }
    }

    private static void truncate(Path file, long length) throws IOException {
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            open.setLength(length);
        }
    }
}
