package io.stencil.train.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.options.TrainOptionsBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BatchPlanTest {

    @TempDir
    Path folder;

    private TrainOptionsBuilder options(int... sides) throws IOException {
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < sides.length; i++) {
            RgbImageWriter.write(
                    RgbImage.filled(new ImageSize(sides[i], sides[i]), 0x808080), folder.resolve(i + ".png"));
            rows.append("{\"image\": \"%d.png\", \"prompt\": \"\"}%n".formatted(i));
        }
        Path metadata = folder.resolve("metadata.jsonl");
        Files.writeString(metadata, rows);
        ModelFiles base = new ModelFiles(List.of(List.of(Path.of("a.safetensors"))), null);
        return TrainOptions.builder(base, folder, metadata, folder).trainable(List.of("dit"));
    }

    private static BatchPlan plan(TrainOptionsBuilder options, int repeat, int batchSize) {
        Dataset dataset = Dataset.read(options.build().data());
        return BatchPlan.of(dataset, new DataOrder(dataset.rows().size(), repeat, false, 0), batchSize);
    }

    @Test
    void picturesOfOneSizeComeTogetherAndTheRestComesLast() throws IOException {
        BatchPlan plan = plan(options(32, 48, 32, 32, 48, 48, 32), 1, 2);
        assertThat(plan.epoch(0)).containsExactly(List.of(0, 2), List.of(1, 4), List.of(3, 6), List.of(5));
        assertThat(plan.epochLength()).isEqualTo(4);
        assertThat(plan(options(32, 48, 32), 2, 2).epochLength()).isEqualTo(3);
    }

    @Test
    void picturesThatAreBroughtToOneSizeStayInOrder() throws IOException {
        BatchPlan plan = plan(options(32, 48, 32).size(32, 32), 1, 2);
        assertThat(plan.epoch(0)).containsExactly(List.of(0, 1), List.of(2));
        assertThat(plan.epochLength()).isEqualTo(2);
    }

    @Test
    void oneSampleABatchKeepsTheOrder() throws IOException {
        assertThat(plan(options(32, 48, 32), 1, 1).epoch(0)).containsExactly(List.of(0), List.of(1), List.of(2));
    }
}
