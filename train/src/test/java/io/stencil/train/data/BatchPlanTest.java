package io.stencil.train.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.options.TrainOptionsBuilder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
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
            rows.append("{\"image\": \"%s.png\", \"prompt\": \"\"}%n".formatted(i));
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

    /// Their pixels are decoded when they are trained on: thousands of pictures would take minutes.
    @Test
    void sizesAreKnownWithoutDecodingPixels() throws IOException {
        TrainOptionsBuilder options = options(32, 48, 32);
        Path picture = folder.resolve("1.png");
        byte[] bytes = Files.readAllBytes(picture);
        ByteBuffer file = ByteBuffer.wrap(bytes);
        int chunk = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("IDAT");
        int length = file.getInt(chunk - 4);
        Arrays.fill(bytes, chunk + 4, chunk + 4 + length, (byte) 0xFF);
        CRC32 sum = new CRC32();
        sum.update(bytes, chunk, 4 + length);
        file.putInt(chunk + 4 + length, (int) sum.getValue());
        Files.write(picture, bytes);
        assertThatThrownBy(() -> RgbImageReader.read(picture)).isInstanceOf(InvalidFileException.class);
        assertThat(plan(options, 1, 2).epoch(0)).containsExactly(List.of(0, 2), List.of(1));
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
