package io.stencil.train.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Pictures decoded ahead are those that were asked for.
class SampleLoaderTest {

    private static final int ROWS = 12;

    @TempDir
    private Path folder;

    private Dataset dataset() throws IOException {
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < ROWS; i++) {
            RgbImageWriter.write(RgbImage.filled(new ImageSize(32, 32), color(i)), folder.resolve(i + ".png"));
            rows.append("{\"image\": \"%d.png\", \"prompt\": \"%d\"}\n".formatted(i, i));
        }
        Path metadata = Files.writeString(folder.resolve("metadata.jsonl"), rows);
        TrainOptionsBuilder options =
                TrainOptions.builder(new ModelFiles(List.of(), null), folder, metadata, folder.resolve("out"));
        return Dataset.read(options.trainable(List.of("dit")).build().data());
    }

    private static int color(int row) {
        return row * 0x0F0A05;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3})
    void everyRowGetsItsPicture(int workers) throws IOException {
        Dataset dataset = dataset();
        List<DatasetRow> rows = dataset.rows();
        try (SampleLoader loader = new SampleLoader(dataset, workers)) {
            for (int i = 0; i < ROWS; i++) {
                loader.expect(rows.subList(i, ROWS));
                TrainingSample sample = loader.load(rows.get(i));
                assertThat(sample.prompt()).isEqualTo(Integer.toString(i));
                assertThat(sample.image()).isEqualTo(RgbImage.filled(new ImageSize(32, 32), color(i)));
            }
            assertThat(loader.load(rows.getFirst()).prompt()).as("not expected").isEqualTo("0");
        }
    }

    /// A picture that was removed after it was expected is there all the same, since it was decoded before.
    @Test
    void whatIsExpectedIsDecodedMeanwhile() throws Exception {
        Dataset dataset = dataset();
        List<DatasetRow> rows = dataset.rows();
        try (SampleLoader loader = new SampleLoader(dataset, 1)) {
            loader.expect(rows.subList(0, 2));
            loader.load(rows.get(1)); // the one thread decoded the first before
            Files.delete(folder.resolve("0.png"));
            assertThat(loader.load(rows.get(0)).prompt()).isEqualTo("0");
            loader.expect(rows.subList(2, 4));
            assertThatThrownBy(() -> loader.load(rows.get(0))).isInstanceOf(InvalidFileException.class);
        }
    }

    @Test
    void aBrokenPictureIsNamedWhenItIsAskedFor() throws IOException {
        Dataset dataset = dataset();
        Files.writeString(folder.resolve("1.png"), "not a picture");
        List<DatasetRow> rows = dataset.rows();
        try (SampleLoader loader = new SampleLoader(dataset, 2)) {
            loader.expect(rows);
            assertThat(loader.load(rows.get(0)).prompt()).isEqualTo("0");
            assertThatThrownBy(() -> loader.load(rows.get(1)))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessageContaining("metadata.jsonl:2: 'image'");
        }
    }
}
