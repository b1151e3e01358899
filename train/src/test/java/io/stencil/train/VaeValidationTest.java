package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.autograd.GradMode;
import io.stencil.distributed.Threads;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.tensor.ProcessRandom;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.train.ReconstructionObjective.VaeLoss;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.RowDigest;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.options.ValidationOptions.KeepBest;
import io.stencil.train.validation.ValidationReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.assertj.core.data.Offset;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Held-out images are measured while a VAE trains.
class VaeValidationTest {

    @TempDir
    private Path folder;

    @SuppressWarnings("NullAway.Init")
    private TinyDataset dataset;

    @SuppressWarnings("NullAway.Init")
    private TinyDataset measured;

    @BeforeEach
    void paint() throws IOException {
        dataset = TinyDataset.paint(Files.createDirectory(folder.resolve("data")), 4);
        measured = TinyDataset.paint(Files.createDirectory(folder.resolve("measured")), 3);
    }

    private TrainOptions.Builder plain(String output) {
        return dataset.options(folder.resolve(output))
                .task(Task.VAE)
                .template(null)
                .extraInputs(Set.of())
                .trainable(List.of("vae"))
                .latentNoise(0.5)
                .edgeWeight(0.5)
                .maxSteps(4);
    }

    private TrainOptions.Builder validated(String output) {
        return plain(output)
                .set("validation_metadata_path", measured.folder().resolve("metadata.jsonl"))
                .set("validation_steps", 2)
                .set("keep_best", KeepBest.VALIDATION);
    }

    private static Recorder train(TrainOptions.Builder options) {
        Recorder recorder = new Recorder();
        new Trainer().run(options.build(), recorder);
        return recorder;
    }

    @Test
    void trainingDoesNotNoticeItAndTheBestCheckpointHasItsLoss() {
        Recorder without = train(plain("without").emaDecay(0.9));
        Recorder with = train(validated("with").emaDecay(0.9));

        assertThat(with.losses()).hasSize(4).isEqualTo(without.losses());
        assertThat(folder.resolve("with/checkpoints/step-4.safetensors"))
                .hasSameBinaryContentAs(folder.resolve("without/checkpoints/step-4.safetensors"));
        assertThat(with.validations.stream().map(ValidationReport::step)).containsExactly(0L, 2L, 4L);
        ValidationReport last = with.validations.getLast();
        assertThat(last.gain()).isNull();
        assertThat(last.weights().bands()).isEmpty();
        assertThat(last.weights().mean())
                .isLessThan(with.validations.getFirst().weights().mean());

        ValidationReport best = Validator.measure(
                validated("unused")
                        .set("resume_from_checkpoint", folder.resolve("with/checkpoints/best.safetensors"))
                        .build(),
                TrainingListener.NONE);
        assertThat(best.step()).isEqualTo(last.bestStep());
        assertThat(best.loss()).isEqualTo(last.bestLoss());
    }

    /// Before the first step, row by row.
    @Test
    void theLossIsThatOfTrainingWithNoiseByTheContentOfTheRow() {
        ValidationReport found = Validator.measure(validated("unused").build(), TrainingListener.NONE);
        Dataset rows = Dataset.read(plain("unused")
                .set("validation_metadata_path", measured.folder().resolve("metadata.jsonl"))
                .build()
                .validation()
                .data(plain("unused").build().data()));
        double sum = 0;
        try (Flux2Pipeline pipeline = TinyTraining.pipeline();
                GradMode _ = GradMode.disabled()) {
            AutoencoderKlFlux2 vae = pipeline.models().requireVae();
            for (DatasetRow row : rows.rows()) {
                long key =
                        Long.parseUnsignedLong(RowDigest.of(row, rows.folder()).substring(0, 16), 16);
                RgbImage image = RgbImageReader.read(row.image());
                try (Scope _ = new Scope();
                        TorchGenerator noise = new TorchGenerator(ProcessRandom.seed(1, 5, key))) {
                    Tensor pixels = ReconstructionObjective.pixels(image);
                    sum += Tensors.toDouble(new VaeLoss(0.5, 1e-5, 0.5)
                            .compute(vae, pixels, new VaeLoss.BatchNoise(noise, null, 0, 0, true)));
                }
            }
        }
        assertThat(found.rows()).isEqualTo(3);
        assertThat(found.loss()).isCloseTo(sum / 3, Offset.offset(1e-6 * sum));
    }

    /// The ranks train on other batches than one process, so that only the first validation has the same weights.
    @Test
    void twoProcessesMeasureWhatOneDoesAndASplitHoldsRowsOut() throws IOException {
        Recorder first = new Recorder();
        Threads.run(Threads.environments(2), environment -> {
                    new Trainer(environment)
                            .run(
                                    validated("two").maxSteps(1).build(),
                                    environment.rank() == 0 ? first : TrainingListener.NONE);
                    return 0;
                })
                .forEach(rank -> assertThat(rank.join()).isZero());
        Recorder alone = train(validated("one").batchSize(2).maxSteps(1));
        assertThat(first.validations.getFirst().loss())
                .isEqualTo(alone.validations.getFirst().loss());

        Recorder split =
                train(plain("split").set("validation_split", 0.4).maxSteps(null).epochs(1));
        assertThat(split.validations).hasSize(2);
        assertThat(split.steps).hasSize(4 - split.validations.getFirst().rows());
    }
}
