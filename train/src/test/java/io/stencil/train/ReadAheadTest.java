package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.nn.Parameter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.StepReport;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// While a batch trains, the next one is read and encoded: what it needs may be gone when its turn comes.
class ReadAheadTest {

    /// Longer by far than reading two pictures of 32 x 32 pixels takes.
    private static final long ENOUGH_MILLISECONDS = 3000;

    @TempDir
    private Path folder;

    private TinyDataset dataset = new TinyDataset(Path.of(""));

    @BeforeEach
    void paint() throws IOException {
        dataset = TinyDataset.paint(Files.createDirectory(folder.resolve("data")), 4);
    }

    private TrainOptions.Builder twoBatches(String output) {
        return dataset.options(folder.resolve(output))
                .shuffle(false)
                .batchSize(2)
                .maxSteps(2);
    }

    /// @param afterFirst done when the first step has ended, and there was time enough to read
    private static List<Double> losses(TrainOptions.Builder options, Flux2Pipeline pipeline, Runnable afterFirst) {
        Recorder recorder = new Recorder();
        TrainingListener disturbing = new TrainingListener() {
            @Override
            public void onStep(StepReport report) {
                if (report.step() == 1) {
                    sleep();
                    afterFirst.run();
                }
            }
        };
        try (LoadedTemplate<?, ?> template = TinyTraining.template(pipeline)) {
            new Trainer().run(options.build(), pipeline, template, TrainingListener.all(List.of(recorder, disturbing)));
        }
        return recorder.losses();
    }

    private static void sleep() {
        try {
            TimeUnit.MILLISECONDS.sleep(ENOUGH_MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void thePicturesOfTheNextBatchMayBeGone() {
        try (Flux2Pipeline pipeline = TinyTraining.pipeline()) {
            List<Double> undisturbed = losses(twoBatches("a"), pipeline, () -> {});
            assertThat(losses(twoBatches("b").workers(1), pipeline, this::deleteSecondBatch))
                    .isEqualTo(undisturbed);
        }
    }

    private void deleteSecondBatch() {
        try {
            Files.delete(dataset.folder().resolve("2.png"));
            Files.delete(dataset.folder().resolve("3.png"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// The VAE has done its work on both batches when the first has been trained on.
    @Test
    void theEncodingsOfTheNextBatchAreMadeAlready() {
        try (Flux2Pipeline pipeline = TinyTraining.pipeline()) {
            List<Double> undisturbed = losses(twoBatches("a"), pipeline, () -> {});
            assertThat(losses(twoBatches("b").workers(1), pipeline, () -> ruinVae(pipeline)))
                    .isEqualTo(undisturbed);
        }
    }

    private static void ruinVae(Flux2Pipeline pipeline) {
        try (Scope _ = new Scope()) {
            for (Parameter one : pipeline.models().requireVae().state().values()) {
                if (one.dtype().isFloatingPoint()) {
                    one.set(Tensors.full(Double.NaN, one.dtype(), Device.CPU, one.shape()));
                }
            }
        }
    }
}
