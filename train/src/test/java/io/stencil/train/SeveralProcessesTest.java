package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.distributed.Threads;
import io.stencil.error.InvalidRequestException;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.testing.TestFiles;
import io.stencil.train.init.ModelInitialisation;
import io.stencil.train.log.StepReport;
import io.stencil.train.log.TrainingListener;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.options.TrainOptionsBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.assertj.core.data.Offset;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Two trainers on two threads, which meet by a real store, do what one does with their batches joined.
@Timeout(120)
class SeveralProcessesTest {

    /// Sums of gradients are rounded in another order.
    private static final Offset<Float> ROUNDING = Offset.offset(1e-5f);

    @TempDir
    static Path shared;

    @SuppressWarnings("NullAway.Init")
    private static Path model;

    @SuppressWarnings("NullAway.Init")
    private static TinyDataset dataset;

    @TempDir
    Path folder;

    @BeforeAll
    static void begin() throws IOException {
        model = shared.resolve("model");
        new ModelInitialisation(1, DType.FLOAT32).write(TestFiles.root().resolve("models/tiny-klein"), model);
        dataset = TinyDataset.paint(Files.createDirectory(shared.resolve("data")), 5);
    }

    /// Five rows: the last batch of an epoch has one for two.
    private TrainOptionsBuilder options(String output) {
        return TrainOptions.builder(
                        ModelFiles.in(model),
                        dataset.folder(),
                        dataset.folder().resolve("metadata.jsonl"),
                        folder.resolve(output))
                .load(TinyTraining.FLOAT32)
                .size(32, 32)
                .learningRate(1e-3)
                .maxGradNorm(1.0)
                .csvLog(true)
                .seed(1L);
    }

    private TrainOptionsBuilder transformer(String output) {
        return options(output).trainable(List.of("dit")).captionDropout(0.5).gradientAccumulationSteps(2);
    }

    private static List<CompletableFuture<Recorder>> together(TrainOptions options) throws IOException {
        return together(options, Long.MAX_VALUE);
    }

    /// @param last step after which rank 0 alone is told to stop
    private static List<CompletableFuture<Recorder>> together(TrainOptions options, long last) throws IOException {
        return Threads.run(Threads.environments(2), environment -> {
            Trainer trainer = new Trainer(environment);
            Recorder recorder = new Recorder();
            TrainingListener stopper = new TrainingListener() {
                @Override
                public void onStep(StepReport report) {
                    if (report.step() == last) {
                        trainer.requestStop();
                    }
                }
            };
            trainer.run(options, TrainingListener.all(List.of(recorder, stopper)));
            return recorder;
        });
    }

    private void assertSameWeights(String one, String other) {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> expected = TensorFiles.read(folder.resolve(one));
            Map<String, Tensor> found = TensorFiles.read(folder.resolve(other));
            assertThat(found.keySet()).isEqualTo(expected.keySet());
            expected.forEach((name, tensor) -> assertThat(Tensors.toFloats(Objects.requireNonNull(found.get(name))))
                    .as(name)
                    .containsExactly(Tensors.toFloats(tensor), ROUNDING));
        }
    }

    private static void assertSameLosses(Recorder expected, Recorder found) {
        assertThat(found.steps).hasSameSizeAs(expected.steps);
        for (int i = 0; i < found.steps.size(); i++) {
            assertThat(found.losses().get(i)).isCloseTo(expected.losses().get(i), Offset.offset(1e-5));
        }
    }

    private static Recorder alone(TrainOptions options) {
        Recorder recorder = new Recorder();
        new Trainer().run(options, recorder);
        return recorder;
    }

    @Test
    void theTransformerComesOutAsInOneProcessAndSoItDoesAfterAStopWithinAnUpdate() throws IOException {
        Recorder alone = alone(transformer("alone").batchSize(2).maxSteps(4).build());
        List<CompletableFuture<Recorder>> both =
                together(transformer("both").maxSteps(4).build());
        assertSameLosses(alone, both.getFirst().join());
        assertThat(both.getLast().join().steps).isEmpty(); // the first alone tells
        assertSameWeights("alone/step-4.safetensors", "both/step-4.safetensors");

        together(transformer("stopped").maxSteps(4).build(), 1).forEach(CompletableFuture::join);
        assertThat(folder.resolve("stopped/step-1.state")).isDirectory();
        together(transformer("stopped").maxSteps(4).resume(true).build()).forEach(CompletableFuture::join);
        assertSameWeights("alone/step-4.safetensors", "stopped/step-4.safetensors");

        assertThatThrownBy(() ->
                        alone(transformer("stopped").maxSteps(5).resume(true).build()))
                .isInstanceOf(InvalidRequestException.class);
    }

    @Test
    void theVaeComesOutAsInOneProcess() throws IOException {
        TrainOptionsBuilder one = options("alone").task(Task.VAE).trainable(List.of("vae"));
        TrainOptionsBuilder two = options("both").task(Task.VAE).trainable(List.of("vae"));
        Recorder alone = alone(one.batchSize(2).maxSteps(3).build());
        List<CompletableFuture<Recorder>> both = together(two.maxSteps(3).build());
        assertSameLosses(alone, both.getFirst().join());
        assertSameWeights("alone/step-3.safetensors", "both/step-3.safetensors");
    }

    @Test
    void anUnusedParameterIsRefusedByNameOrAllowed() throws IOException {
        TinyDataset rows = TinyDataset.paint(Files.createDirectory(folder.resolve("rows")), 2);
        Path template = TestFiles.root().resolve("train/src/test/resources/templates/shared_trunk");
        List<CompletableFuture<Recorder>> refused =
                together(rows.options(folder.resolve("a")).template(template).build());
        assertThat(refused)
                .allSatisfy(one -> assertThatThrownBy(one::join)
                        .cause()
                        .isInstanceOf(InvalidRequestException.class)
                        .hasMessageContaining("'pipe.template_model.unused' got no gradient on rank"));
        together(rows.options(folder.resolve("b"))
                        .template(template)
                        .findUnusedParameters(true)
                        .build())
                .forEach(CompletableFuture::join);
        assertThat(folder.resolve("b/epoch-0.safetensors")).exists();
    }
}
