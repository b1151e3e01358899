package io.stencil.train.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BatchSamplerTest {

    @TempDir
    Path folder;

    private TrainOptions.Builder options(int... sides) throws IOException {
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

    private static BatchSampler sampler(TrainOptions.Builder options, int repeat, int batchSize) {
        Dataset dataset = Dataset.read(options.build().data());
        return BatchSampler.of(dataset, new BatchSampler.Order(dataset.rows().size(), repeat, false, 0), batchSize);
    }

    @Test
    void picturesOfOneSizeComeTogetherAndTheRestComesLast() throws IOException {
        BatchSampler batches = sampler(options(32, 48, 32, 32, 48, 48, 32), 1, 2);
        assertThat(batches.epoch(0)).containsExactly(List.of(0, 2), List.of(1, 4), List.of(3, 6), List.of(5));
        assertThat(batches.epochLength()).isEqualTo(4);
        assertThat(sampler(options(32, 48, 32), 2, 2).epochLength()).isEqualTo(3);
    }

    /// Their pixels are decoded when they are trained on: thousands of pictures would take minutes.
    @Test
    void sizesAreKnownWithoutDecodingPixels() throws IOException {
        TrainOptions.Builder options = options(32, 48, 32);
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
        assertThat(sampler(options, 1, 2).epoch(0)).containsExactly(List.of(0, 2), List.of(1));
    }

    @Test
    void imagesOfOneBucketComeTogether() throws IOException {
        TrainOptions.Builder options =
                options(32, 48, 40).maxPixels(4096).set("enable_bucket", true).set("bucket_reso_steps", 32);
        RgbImageWriter.write(RgbImage.filled(new ImageSize(96, 40), 0x808080), folder.resolve("1.png"));
        assertThat(sampler(options, 2, 4).epoch(0)).containsExactly(List.of(0, 2, 0, 2), List.of(1, 1));
        Dataset dataset = Dataset.read(options.build().data());
        assertThat(dataset.load(dataset.rows().get(1)).image().size()).isEqualTo(new ImageSize(96, 32));
        assertThat(dataset.load(dataset.rows().get(2)).image().size()).isEqualTo(new ImageSize(64, 64));
    }

    @Test
    void picturesThatAreBroughtToOneSizeStayInOrder() throws IOException {
        BatchSampler batches = sampler(options(32, 48, 32).size(32, 32), 1, 2);
        assertThat(batches.epoch(0)).containsExactly(List.of(0, 1), List.of(2));
        assertThat(batches.epochLength()).isEqualTo(2);
    }

    @Test
    void oneSampleABatchKeepsTheOrder() throws IOException {
        assertThat(sampler(options(32, 48, 32), 1, 1).epoch(0)).containsExactly(List.of(0), List.of(1), List.of(2));
    }

    private static List<DatasetRow> rows(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> new DatasetRow(
                        Path.of(i + ".png"),
                        "",
                        List.of(),
                        null,
                        1,
                        null,
                        Location.of(Path.of("metadata.jsonl"), i + 1)))
                .toList();
    }

    @Test
    void partsCoverTheBatchWithoutOverlapAndTheirWeightsGiveItsMean() {
        for (int size = 1; size < 9; size++) {
            List<DatasetRow> batch = rows(size);
            for (int processes = 1; processes < 6; processes++) {
                List<DatasetRow> covered = new ArrayList<>();
                double weights = 0;
                for (int rank = 0; rank < processes; rank++) {
                    BatchSampler.LocalBatch part = BatchSampler.LocalBatch.of(batch, rank, processes);
                    assertThat(part.rows()).isNotEmpty();
                    assertThat(part.batchSize()).isEqualTo(size);
                    assertThat(batch.subList(part.before(), size - part.after()))
                            .isEqualTo(part.rows());
                    if (part.weight() > 0) {
                        covered.addAll(part.rows());
                        assertThat(part.weight()).isEqualTo((double) part.rows().size() * processes / size);
                    }
                    weights += part.weight();
                }
                assertThat(covered).isEqualTo(batch);
                assertThat(weights).isCloseTo(processes, within(1e-12));
            }
        }
    }

    @Test
    void withoutShufflingRowsComeAsInTheFile() {
        BatchSampler.Order order = new BatchSampler.Order(3, 2, false, 7);
        assertThat(order.epoch(0)).containsExactly(0, 1, 2, 0, 1, 2);
        assertThat(order.epoch(5)).containsExactly(0, 1, 2, 0, 1, 2);
    }

    @Test
    void eachEpochHasEveryRowAsOftenAsItIsRepeatedInAnOrderOfItsOwn() {
        BatchSampler.Order order = new BatchSampler.Order(50, 3, true, 7);
        assertThat(order.epochLength()).isEqualTo(150);
        int[] expected = IntStream.range(0, 150).map(i -> i / 3).toArray();
        for (int epoch = 0; epoch < 3; epoch++) {
            assertThat(Arrays.stream(order.epoch(epoch)).sorted().toArray()).isEqualTo(expected);
        }
        assertThat(order.epoch(0)).isNotEqualTo(order.epoch(1));
        assertThat(order.epoch(1)).isNotEqualTo(order.epoch(2));
    }

    @Test
    void theSeedDecidesTheOrder() {
        assertThat(new BatchSampler.Order(50, 1, true, 7).epoch(2))
                .isEqualTo(new BatchSampler.Order(50, 1, true, 7).epoch(2));
        assertThat(new BatchSampler.Order(50, 1, true, 7).epoch(2))
                .isNotEqualTo(new BatchSampler.Order(50, 1, true, 8).epoch(2));
    }

    @Test
    void theOrderOfASeedNeverChanges() {
        assertThat(new BatchSampler.Order(8, 1, true, 42).epoch(0)).containsExactly(1, 0, 4, 7, 2, 3, 5, 6);
    }

    @Test
    void everyRowComesFirstAboutEquallyOften() {
        int[] counts = new int[5];
        for (int epoch = 0; epoch < 5000; epoch++) {
            counts[new BatchSampler.Order(5, 1, true, 3).epoch(epoch)[0]]++;
        }
        assertThat(Arrays.stream(counts)).allMatch(count -> count > 850 && count < 1150);
    }
}
