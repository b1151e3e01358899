package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.StencilException;
import io.stencil.error.TemplateException;
import io.stencil.testing.TestFiles;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.StepReport;
import io.stencil.train.options.TrainOptions;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A failure in a step saves weights and state of the moment before it, and the run that goes on from there is the run
/// that never failed.
class FailureTest {

    private static final String FORWARD = "stencil.test.forward_fails_at";
    private static final String PROCESS = "stencil.test.process_fails_at";
    private static final int ROWS = 10;

    @TempDir
    Path folder;

    @SuppressWarnings("NullAway.Init")
    private TinyDataset dataset;

    @BeforeEach
    void paint() throws IOException {
        dataset = TinyDataset.paint(Files.createDirectory(folder.resolve("data")), ROWS);
    }

    @AfterEach
    void mend() {
        System.clearProperty(FORWARD);
        System.clearProperty(PROCESS);
    }

    private TrainOptions.Builder options(String output) {
        return dataset.options(folder.resolve(output))
                .template(TestFiles.root().resolve("train/src/test/resources/templates/fails"))
                .shuffle(false)
                .captionDropout(0.3)
                .emaDecay(0.9)
                .csvLog(true);
    }

    private static void train(TrainOptions.Builder options, Recorder recorder) {
        new Trainer().run(options.build(), recorder);
    }

    /// The scale of a row as it stands in the metadata.
    private String scale(int row) throws IOException {
        String line =
                Files.readAllLines(dataset.folder().resolve("metadata.jsonl")).get(row);
        return String.valueOf(Double.parseDouble(line.replaceAll(".*\"scale\": ([0-9.]+).*", "$1")));
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

    /// Both with a failure in the midst of an update, of which gradients are there already, and between updates.
    @ParameterizedTest
    @CsvSource({"1, 1, 0, 7", "4, 1, 0, 4", "4, 1, 2, 4", "1, 2, 0, 3"})
    void aRunThatFailedGoesOnAsIfItHadNot(int accumulation, int batch, int workers, long savedStep) throws IOException {
        Recorder whole = new Recorder();
        train(options("whole").gradientAccumulationSteps(accumulation).batchSize(batch), whole);

        System.setProperty(FORWARD, scale(7));
        Recorder first = new Recorder();
        TrainOptions.Builder parts = options("parts")
                .gradientAccumulationSteps(accumulation)
                .batchSize(batch)
                .workers(workers);
        assertThatThrownBy(() -> train(parts, first))
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("no such scale " + scale(7));
        assertThat(first.savedAtFailure).containsExactly(savedStep);
        assertThat(saved("parts"))
                .containsExactly("step-%s.safetensors".formatted(savedStep), "step-%s.state".formatted(savedStep));

        System.clearProperty(FORWARD);
        Recorder second = new Recorder();
        train(parts.resume(true), second);
        List<Double> losses = new ArrayList<>(first.losses().subList(0, Math.toIntExact(savedStep)));
        losses.addAll(second.losses());
        assertThat(losses).isEqualTo(whole.losses());
        for (String file :
                List.of("epoch-0.safetensors", "step-%s.state/trainer.safetensors".formatted(ROWS / batch))) {
            assertThat(folder.resolve("parts/checkpoints").resolve(file))
                    .hasSameBinaryContentAs(folder.resolve("whole/checkpoints").resolve(file));
        }
        assertThat(second.steps).extracting(StepReport::step).startsWith(savedStep + 1);
    }

    @Test
    void nothingIsSavedTwiceOrBeforeTheFirstStep() throws IOException {
        System.setProperty(FORWARD, scale(7));
        Recorder saving = new Recorder();
        assertThatThrownBy(() -> train(options("a").saveSteps(7), saving)).isInstanceOf(TemplateException.class);
        assertThat(saving.savedAtFailure).containsExactly(7L);
        assertThat(saving.checkpoints).containsExactly("step-7.safetensors");

        System.setProperty(FORWARD, scale(0));
        Recorder none = new Recorder();
        assertThatThrownBy(() -> train(options("b"), none)).isInstanceOf(TemplateException.class);
        assertThat(none.savedAtFailure).isEmpty();
        assertThat(saved("b")).isEmpty();
    }

    /// Such as a log that cannot be written, or a program that shows the progress.
    @ParameterizedTest
    @CsvSource({"1, 3", "2, 2"})
    void aListenerThatFailsCostsNoWork(int accumulation, long savedStep) throws IOException {
        Recorder first = new Recorder() {
            @Override
            public void onStep(StepReport report) {
                super.onStep(report);
                if (report.step() == 3) {
                    throw new IllegalStateException("no display");
                }
            }
        };
        TrainOptions.Builder parts = options("parts").gradientAccumulationSteps(accumulation);
        assertThatThrownBy(() -> train(parts, first)).hasMessage("no display");
        assertThat(first.savedAtFailure).containsExactly(savedStep);

        Recorder second = new Recorder();
        train(parts.resume(true), second);
        Recorder whole = new Recorder();
        train(options("whole").gradientAccumulationSteps(accumulation), whole);
        int done = Math.toIntExact(savedStep);
        assertThat(second.losses()).isEqualTo(whole.losses().subList(done, ROWS));
        assertThat(folder.resolve("parts/checkpoints/epoch-0.safetensors"))
                .hasSameBinaryContentAs(folder.resolve("whole/checkpoints/epoch-0.safetensors"));
    }

    /// Such as all logs on a full disk. Other listeners get the events all the same.
    @Test
    void aListenerThatFailsAgainDoesNotHideTheFirstFailure() {
        TrainingListener failing = new TrainingListener() {
            @Override
            public void onStep(StepReport report) {
                if (report.step() == 3) {
                    block(folder.resolve("a/checkpoints/step-3.state"));
                    throw new IllegalStateException("disk full");
                }
            }

            @Override
            public void onWarning(String message) {
                throw new IllegalStateException("disk still full");
            }
        };
        Recorder recorder = new Recorder();
        assertThatThrownBy(
                        () -> new Trainer().run(options("a").build(), TrainingListener.all(List.of(failing, recorder))))
                .hasMessage("disk full");
        assertThat(recorder.steps).hasSize(3);
        assertThat(recorder.warnings)
                .singleElement()
                .asString()
                .startsWith("weights and state since the last checkpoint cannot be saved: ");
    }

    /// The state is saved where the checkpoint cannot be, and the newest state is named where that cannot be either.
    @ParameterizedTest
    @CsvSource({"step-4.safetensors, 4, cannot be written", "step-4.state, 2, is not empty"})
    void aFileThatCannotBeWrittenCostsNoOtherWork(String blocked, long savedStep, String reason) {
        Recorder recorder = new Recorder() {
            @Override
            public void onStep(StepReport report) {
                super.onStep(report);
                if (report.step() == 3) {
                    block(folder.resolve("a/checkpoints").resolve(blocked));
                }
            }
        };
        assertThatThrownBy(() -> train(options("a").saveSteps(2), recorder))
                .isInstanceOf(StencilException.class)
                .hasMessageContaining(blocked + ": " + reason);
        assertThat(recorder.savedAtFailure).containsExactly(savedStep);
        assertThat(recorder.warnings)
                .singleElement()
                .asString()
                .startsWith("weights and state since the last checkpoint cannot be saved: ");
        assertThat(folder.resolve("a/checkpoints/step-%s.state/trainer.json".formatted(savedStep)))
                .exists();
    }

    private static void block(Path path) {
        try {
            Files.createDirectories(path.resolve("full"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// In the midst of an update a state of a later step is there already.
    @Test
    void aNewerStateIsKept() throws IOException {
        System.setProperty(FORWARD, scale(7));
        Recorder recorder = new Recorder();
        assertThatThrownBy(() -> train(options("a").gradientAccumulationSteps(4).saveSteps(6), recorder))
                .isInstanceOf(TemplateException.class);
        assertThat(recorder.savedAtFailure).containsExactly(6L);
        assertThat(saved("a")).containsExactly("step-6.safetensors", "step-6.state");
    }

    @ParameterizedTest
    @CsvSource({"0", "2"})
    void anImageWhosePixelsAreCutShortCostsNoWork(int workers) throws IOException {
        Path image = dataset.folder().resolve("7.png");
        ByteArrayOutputStream jpeg = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(32, 32, BufferedImage.TYPE_INT_RGB), "jpg", jpeg);
        Files.write(image, Arrays.copyOf(jpeg.toByteArray(), jpeg.size() - 20));

        Recorder recorder = new Recorder();
        assertThatThrownBy(() -> train(options("a").workers(workers), recorder))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("metadata.jsonl:8: 'image': " + image + ": is cut short in its pixels");
        assertThat(recorder.savedAtFailure).containsExactly(7L);
        assertThat(saved("a")).containsExactly("step-7.safetensors", "step-7.state");
    }
}
