package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.distributed.Threads;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.StepReport;
import io.stencil.train.optim.OptimizerType;
import io.stencil.train.options.DataOptions.MaskedLoss;
import io.stencil.train.options.ObjectiveOptions.TimestepSampling;
import io.stencil.train.options.TrainOptions;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Optimizers, timesteps, buckets, weights of rows and masks together: a run that stops goes on bit for bit, and two
/// processes train as one does.
class OptionMixTest {

    @TempDir
    static Path shared;

    @TempDir
    Path folder;

    /// Images of two buckets, of which some have a weight, a mask and transparent columns.
    @BeforeAll
    static void paint() throws IOException {
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < 6; i++) {
            int width = i % 3 == 0 ? 48 : 32;
            int height = i % 3 == 0 ? 16 : 32;
            BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_ARGB);
            for (int y = 0; y < height; y++) {
                for (int x = 0; x < width; x++) {
                    image.setRGB(x, y, (x < 4 * i ? 0 : 0xFF000000) | 0x102030 * (i + 1));
                }
            }
            ImageIO.write(image, "png", shared.resolve(i + ".png").toFile());
            String mask = "";
            if (i > 3) {
                byte[] grey = new byte[width * height * 3];
                for (int at = 0; at < grey.length; at++) {
                    grey[at] = (byte) (at / 3 % width * 5 * (i - 3) / 2);
                }
                RgbImageWriter.write(RgbImage.of(width, height, grey), shared.resolve("mask" + i + ".png"));
                mask = "\"mask\": \"mask%s.png\", ".formatted(i);
            }
            rows.append(
                    "{\"image\": \"%s.png\", %s\"weight\": %s, \"prompt\": \"a wall\", \"template_inputs\": {\"scale\": 0.%s}}\n"
                            .formatted(i, mask, i == 1 ? 3 : 1, i + 1));
        }
        Files.writeString(shared.resolve("metadata.jsonl"), rows);
    }

    enum Mix {
        LION_LOGIT_NORMAL_MASK {
            @Override
            TrainOptions.Builder in(TrainOptions.Builder options) {
                return options.set("optimizer", OptimizerType.LION)
                        .set("timestep_sampling", TimestepSampling.LOGIT_NORMAL)
                        .set("logit_mean", 0.5)
                        .set("masked_loss", MaskedLoss.MASK)
                        .emaDecay(0.9);
            }
        },
        PRODIGY_SHIFTED_ALPHA_LORA {
            @Override
            TrainOptions.Builder in(TrainOptions.Builder options) {
                return options.set("optimizer", OptimizerType.PRODIGY)
                        .set("timestep_sampling", TimestepSampling.SHIFTED)
                        .set("masked_loss", MaskedLoss.ALPHA)
                        .set("lora_base_model", "dit")
                        .set("lora_rank", 2)
                        .captionDropout(0.3);
            }
        },
        ADAMW_8BIT_ACCUMULATED {
            @Override
            TrainOptions.Builder in(TrainOptions.Builder options) {
                return options.set("optimizer", OptimizerType.ADAMW_8BIT)
                        .gradientAccumulationSteps(2)
                        .maxGradNorm(0.1)
                        .set("masked_loss", MaskedLoss.ALPHA);
            }
        };

        abstract TrainOptions.Builder in(TrainOptions.Builder options);
    }

    private TrainOptions.Builder options(Mix mix, String output) {
        TrainOptions.Builder options = TinyDataset.options(
                        TinyTraining.base(), shared, shared.resolve("metadata.jsonl"), folder.resolve(output))
                .learningRate(mix == Mix.PRODIGY_SHIFTED_ALPHA_LORA ? 1 : 1e-3)
                .maxPixels(1024)
                .set("enable_bucket", true)
                .set("bucket_reso_steps", 16)
                .batchSize(2)
                .maxSteps(6);
        return mix.in(options);
    }

    /// @param last step after which the run is requested to stop
    private static Recorder train(TrainOptions.Builder options, long last) {
        Recorder recorder = new Recorder();
        Trainer trainer = new Trainer();
        TrainingListener stopper = new TrainingListener() {
            @Override
            public void onStep(StepReport report) {
                if (report.step() == last) {
                    trainer.requestStop();
                }
            }
        };
        trainer.run(options.build(), TrainingListener.all(List.of(recorder, stopper)));
        return recorder;
    }

    @ParameterizedTest
    @EnumSource
    void aRunGoesOnAndTwoProcessesTrainAsOne(Mix mix) throws IOException {
        Recorder whole = train(options(mix, "whole"), Long.MAX_VALUE);
        List<Double> losses = new ArrayList<>(train(options(mix, "parts"), 1).losses());
        losses.addAll(train(options(mix, "parts").resume(true), 4).losses());
        losses.addAll(train(options(mix, "parts").resume(true), Long.MAX_VALUE).losses());

        assertThat(losses).hasSize(6).isEqualTo(whole.losses());
        for (String file : List.of("step-6.safetensors", "step-6.state/trainer.safetensors")) {
            assertThat(folder.resolve("parts/checkpoints").resolve(file))
                    .hasSameBinaryContentAs(folder.resolve("whole/checkpoints").resolve(file));
        }

        Recorder first = new Recorder();
        Threads.run(Threads.environments(2), environment -> {
                    new Trainer(environment)
                            .run(
                                    options(mix, "two").batchSize(1).build(),
                                    environment.rank() == 0 ? first : TrainingListener.NONE);
                    return 0;
                })
                .forEach(rank -> assertThat(rank.join()).isZero());
        assertThat(first.losses()).hasSize(6);
        for (int i = 0; i < 6; i++) {
            assertThat(first.losses().get(i)).isCloseTo(losses.get(i), Percentage.withPercentage(0.05));
        }
    }
}
