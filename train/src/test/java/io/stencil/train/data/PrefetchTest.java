package io.stencil.train.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Rows that are read ahead are those that were announced.
class PrefetchTest {

    private static final int ROWS = 12;

    @TempDir
    private Path folder;

    private Dataset dataset() throws IOException {
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < ROWS; i++) {
            RgbImageWriter.write(image(i), folder.resolve(i + ".png"));
            rows.append("{\"image\": \"%s.png\", \"prompt\": \"%s\"}\n".formatted(i, i));
        }
        Path metadata = Files.writeString(folder.resolve("metadata.jsonl"), rows);
        TrainOptions.Builder options =
                TrainOptions.builder(new ModelFiles(List.of(), null), folder, metadata, folder.resolve("out"));
        return Dataset.read(options.trainable(List.of("dit")).build().data());
    }

    private static RgbImage image(int row) {
        return RgbImage.filled(new ImageSize(32, 32), row * 0x0F0A05);
    }

    private static Prefetch<Sample.Content> samples(Dataset dataset, int workers) {
        return new Prefetch<>(dataset::load, workers);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void anErrorOfAWorkerIsToldAsItIs(int workers) throws IOException {
        List<DatasetRow> rows = dataset().rows();
        OutOfMemoryError full = new OutOfMemoryError("full");
        try (Prefetch<String> content = new Prefetch<>(
                _ -> {
                    throw full;
                },
                workers)) {
            content.expect(rows);
            assertThatThrownBy(() -> content.get(rows.getFirst())).isSameAs(full);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3})
    void everyRowGetsItsPicture(int workers) throws IOException {
        Dataset dataset = dataset();
        List<DatasetRow> rows = dataset.rows();
        try (Prefetch<Sample.Content> content = samples(dataset, workers)) {
            for (int i = 0; i < ROWS; i++) {
                content.expect(rows.subList(i, ROWS));
                assertThat(content.get(rows.get(i)).image()).isEqualTo(image(i));
            }
            assertThat(content.get(rows.getFirst()).image()).as("not expected").isEqualTo(image(0));
        }
    }

    /// A picture that was removed after it was expected is there all the same, since it was decoded before.
    @Test
    void whatIsExpectedIsDecodedMeanwhile() throws Exception {
        Dataset dataset = dataset();
        List<DatasetRow> rows = dataset.rows();
        try (Prefetch<Sample.Content> content = samples(dataset, 1)) {
            content.expect(rows.subList(0, 2));
            content.get(rows.get(1)); // the one thread decoded the first before
            Files.delete(folder.resolve("0.png"));
            assertThat(content.get(rows.get(0)).image()).isEqualTo(image(0));
            content.expect(rows.subList(2, 4));
            assertThatThrownBy(() -> content.get(rows.get(0))).isInstanceOf(InvalidFileException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 2})
    void whatIsNoMoreExpectedIsFreedOnce(int workers) throws Exception {
        List<DatasetRow> rows = dataset().rows();
        AtomicInteger open = new AtomicInteger();
        try (Prefetch<Integer> content =
                new Prefetch<>(row -> open.incrementAndGet(), _ -> open.decrementAndGet(), workers)) {
            for (int i = 0; i + 1 < ROWS; i += 2) {
                content.expect(rows.subList(i, i + 2));
                content.get(rows.get(i));
                content.get(rows.get(i + 1));
                content.get(rows.get(i));
                assertThat(open).hasValue(2);
            }
            content.get(rows.get(0));
            assertThat(open).hasValue(3);
        }
        assertThat(open).hasValue(0);
    }

    /// While a batch is worked on, the whole next one is read.
    @Test
    void theRowsOfTheNextBatchFollowThoseOfThePresent() throws IOException {
        Dataset dataset = dataset();
        BatchSampler sequence = BatchSampler.of(dataset, new BatchSampler.Order(ROWS, 1, false, 0), 4);
        try (Prefetch<Sample.Content> content = samples(dataset, 1)) {
            assertThat(sequence.upcoming(0, 1, 2, 4 + content.ahead()))
                    .isEqualTo(dataset.rows().subList(4, ROWS));
        }
    }

    @Test
    void aBrokenPictureIsNamedWhenItIsAskedFor() throws IOException {
        Dataset dataset = dataset();
        Files.writeString(folder.resolve("1.png"), "not a picture");
        List<DatasetRow> rows = dataset.rows();
        try (Prefetch<Sample.Content> content = samples(dataset, 2)) {
            content.expect(rows);
            assertThat(content.get(rows.get(0)).image()).isEqualTo(image(0));
            assertThatThrownBy(() -> content.get(rows.get(1)))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessageContaining("metadata.jsonl:2: 'image'");
        }
    }
}
