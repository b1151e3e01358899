package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.flux2.vae.VaeConfig;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.nn.WeightLoader;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.safetensors.Checkpoint;
import io.stencil.safetensors.SafetensorsDtype;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.testing.TestFiles;
import io.stencil.train.events.TrainingListener.StepReport;
import io.stencil.train.optim.LearningRateSchedule;
import io.stencil.train.options.ObjectiveOptions.TimestepWeighting;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whole runs that train a base model from a random start.
class BaseModelTrainingTest {

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

    private TrainOptions.Builder options(String output) {
        return TrainOptions.builder(
                        ModelFiles.in(model),
                        dataset.folder(),
                        dataset.folder().resolve("metadata.jsonl"),
                        folder.resolve(output))
                .load(TinyTraining.FLOAT32)
                .size(32, 32)
                .learningRate(1e-3)
                .schedule(LearningRateSchedule.COSINE)
                .warmupSteps(2)
                .maxGradNorm(1.0)
                .emaDecay(0.9)
                .batchSize(2)
                .seed(1L);
    }

    private TrainOptions.Builder transformer(String output) {
        return options(output)
                .trainable(List.of("dit"))
                .removedPrefix("pipe.dit.")
                .captionDropout(0.5)
                .timestepWeighting(TimestepWeighting.NONE);
    }

    private static Recorder train(TrainOptions.Builder options) {
        Recorder recorder = new Recorder();
        new Trainer().run(options.build(), recorder);
        return recorder;
    }

    private byte[] bytes(String file) throws IOException {
        return Files.readAllBytes(folder.resolve(file));
    }

    @Test
    void aTransformerLearnsFromNothingTheSameEachTimeWithAndWithoutKeptEncodings() throws IOException {
        Recorder first = train(transformer("a").maxSteps(8).saveRawWeights(true));
        Recorder cached =
                train(transformer("b").maxSteps(8).cacheEncodings(true).saveRawWeights(true));
        assertThat(first.losses()).hasSize(8).isEqualTo(cached.losses());
        assertThat(first.checkpoints).containsExactly("step-8.raw.safetensors", "step-8.safetensors");
        assertThat(bytes("a/checkpoints/step-8.safetensors"))
                .isEqualTo(bytes("b/checkpoints/step-8.safetensors"))
                .isNotEqualTo(bytes("a/checkpoints/step-8.raw.safetensors"));
        // five rows make batches of 2, 2 and 1
        assertThat(first.steps.stream().map(StepReport::epoch)).containsExactly(0, 0, 0, 1, 1, 1, 2, 2);
        assertThat(first.steps.getFirst().learningRate()).isEqualTo(5e-4);
        assertThat(first.steps.getLast().learningRate()).isLessThan(1e-4).isPositive();
        assertThat(train(transformer("c").maxSteps(8).captionDropout(0)).losses())
                .isNotEqualTo(first.losses());
    }

    @Test
    void aCheckpointTakesThePlaceOfTheWeights() {
        train(transformer("a").maxSteps(3).saveDtype(DType.BFLOAT16));
        Path file = folder.resolve("a/checkpoints/step-3.safetensors");
        try (SafetensorsFile written = SafetensorsFile.open(file);
                SafetensorsFile start =
                        SafetensorsFile.open(model.resolve("transformer/diffusion_pytorch_model.safetensors"))) {
            assertThat(written.entries().keySet()).isEqualTo(start.entries().keySet());
            assertThat(written.entries().values()).allMatch(entry -> entry.dtype() == SafetensorsDtype.BF16);
        }
    }

    @Test
    void aVaeLearnsAndIsSavedWholeWithTheStatisticsOfItsLatents() throws IOException {
        // Two bright halves: a plain grey is nothing to a network that normalises.
        byte[] rgb = new byte[32 * 32 * 3];
        for (int i = 0; i < rgb.length; i++) {
            rgb[i] = (byte) (i % 96 < 48 ? 0xE0 : 0x90);
        }
        RgbImageWriter.write(RgbImage.of(32, 32, rgb), folder.resolve("0.png"));
        Path metadata = folder.resolve("metadata.jsonl");
        Files.writeString(metadata, "{\"image\": \"0.png\", \"prompt\": \"\"}\n");
        Recorder recorder = train(TrainOptions.builder(ModelFiles.in(model), folder, metadata, folder.resolve("a"))
                .load(TinyTraining.FLOAT32)
                .emaDecay(0.9)
                .seed(1L)
                .task(Task.VAE)
                .trainable(List.of("vae"))
                .removedPrefix("pipe.vae.")
                .learningRate(2e-3)
                .maxSteps(60));
        List<Double> losses = recorder.losses();
        assertThat(losses.subList(55, 60).stream()
                        .mapToDouble(Double::doubleValue)
                        .sum())
                .isLessThan(0.5
                        * losses.subList(0, 5).stream()
                                .mapToDouble(Double::doubleValue)
                                .sum());
        Path file = folder.resolve("a/checkpoints/step-60.safetensors");
        try (Scope _ = new Scope();
                AutoencoderKlFlux2 vae = new AutoencoderKlFlux2(VaeConfig.read(model.resolve("vae/config.json")))) {
            new WeightLoader(DType.FLOAT32, Device.CPU).load(vae, Checkpoint.open(file)); // strict
            Map<String, Tensor> saved = TensorFiles.read(file);
            assertThat(Tensors.toFloats(Objects.requireNonNull(saved.get("bn.running_mean"))))
                    .isNotEqualTo(new float[128]);
            assertThat(Tensors.toFloats(Objects.requireNonNull(saved.get("bn.running_var"))))
                    .doesNotContain(1f);
        }
    }

    @Test
    void aVaeRunGoesOnFromItsCheckpoint() {
        TrainOptions.Builder options = options("a").task(Task.VAE).trainable(List.of("vae"));
        train(options.maxSteps(2));
        Recorder resumed = train(options("b")
                .task(Task.VAE)
                .trainable(List.of("vae"))
                .maxSteps(1)
                .resumeFrom(folder.resolve("a/checkpoints/step-2.safetensors")));
        assertThat(resumed.losses()).hasSize(1).allMatch(Double::isFinite);
    }

    /// The transformer and all Templates go on in the latents that they know.
    @Test
    void aDecoderLearnsAloneAndLeavesTheLatentsAsTheyAre() {
        train(options("a")
                .task(Task.VAE)
                .trainable(List.of("vae.decoder"))
                .removedPrefix("pipe.vae.")
                .maxSteps(2));
        try (Scope _ = new Scope()) {
            Map<String, Tensor> start = TensorFiles.read(model.resolve("vae/diffusion_pytorch_model.safetensors"));
            Map<String, Tensor> saved = TensorFiles.read(folder.resolve("a/checkpoints/step-2.safetensors"));
            assertThat(saved.keySet()).isEqualTo(start.keySet());
            assertThat(saved).allSatisfy((name, tensor) -> {
                float[] before = Tensors.toFloats(Objects.requireNonNull(start.get(name)));
                assertThat(Arrays.equals(Tensors.toFloats(tensor), before))
                        .as(name)
                        .isEqualTo(!name.startsWith("decoder."));
            });
        }
    }

    @Test
    void anUnknownPartOfTheVaeIsRefused() {
        assertThatThrownBy(() -> train(options("a")
                        .task(Task.VAE)
                        .trainable(List.of("vae.middle"))
                        .maxSteps(1)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("'vae.middle' is not a part with parameters to train; valid names: vae.encoder");
    }
}
