package io.stencil.lab.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImageWriter;
import io.stencil.json.Json;
import io.stencil.lab.world.Draws;
import io.stencil.lab.world.Renderer;
import io.stencil.lab.world.Scene;
import io.stencil.lab.world.Statistics;
import io.stencil.lab.world.Style;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.TestFiles;
import io.stencil.train.Trainer;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.options.ObjectiveOptions.TimestepWeighting;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A LoRA of Tiny Klein learns a style that no caption names.
class LoraStyleTest {

    private static final ImageSize SIZE = new ImageSize(64, 64);
    private static final int ROWS = 48;
    private static final int STEPS = 60;
    private static final int IMAGES = 6;

    @TempDir
    private Path folder;

    private Path paint() throws IOException {
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < ROWS; i++) {
            Scene scene = Scene.captioned(new Draws(21, i));
            RgbImageWriter.write(
                    Style.DUSK.apply(Renderer.canvas(scene, SIZE), 0.8).toImage(), folder.resolve(i + ".png"));
            rows.append(Json.MAPPER.writeValueAsString(Map.of("image", i + ".png", "prompt", scene.caption())))
                    .append('\n');
        }
        return Files.writeString(folder.resolve("metadata.jsonl"), rows);
    }

    /// Mean strength of the style in images of scenes that are in no dataset.
    private static double strength(Flux2Pipeline pipeline, @Nullable Path lora) {
        return IntStream.range(0, IMAGES)
                .mapToDouble(i -> {
                    GenerationRequest.Builder request = GenerationRequest.of(
                                    Scene.captioned(new Draws(777, i)).caption())
                            .size(SIZE.width(), SIZE.height())
                            .steps(6)
                            .seed(i);
                    return Statistics.styleScore(
                            Style.DUSK,
                            pipeline.generate((lora == null ? request : request.lora(lora, 1)).build())
                                    .image());
                })
                .average()
                .orElseThrow();
    }

    @Test
    void imagesWithTheLoraShowItsStyleAndOthersDoNot() throws IOException {
        ModelFiles base = ModelFiles.in(TestFiles.root().resolve("models/tiny-klein"));
        LoadOptions float32 = new LoadOptions(DType.FLOAT32, Device.CPU);
        TrainOptions options = TrainOptions.builder(base, folder, paint(), folder.resolve("run"))
                .load(float32)
                .set("lora_base_model", "dit")
                .set("lora_rank", 8)
                .timestepWeighting(TimestepWeighting.NONE)
                .cacheEncodings(true)
                .learningRate(2e-3)
                .maxGradNorm(1.0)
                .batchSize(8)
                .maxSteps(STEPS)
                .seed(1L)
                .build();
        try (Flux2Pipeline pipeline = Flux2Pipeline.load(base, float32)) {
            List<Path> files = new Trainer()
                    .run(options, pipeline, null, TrainingListener.NONE)
                    .checkpoints();
            assertThat(files).hasSize(1);
            assertThat(strength(pipeline, null)).isLessThan(0.1);
            assertThat(strength(pipeline, files.getFirst())).isGreaterThan(0.2);
        }
    }
}
