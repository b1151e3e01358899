package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.testing.TestFiles;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `stencil dataset check` tells all that a training would stumble over, at once.
class DatasetCheckIT {

    @TempDir
    private Path temporary;

    private TrainingFolder training;

    @BeforeEach
    void makeDataset() throws IOException {
        training = TrainingFolder.make(temporary);
    }

    private String[] words(String... more) {
        String[] words = new String[more.length + 3];
        words[0] = "dataset";
        words[1] = "check";
        words[2] = "--template_model_id_or_path=" + TestFiles.golden("template_train_start");
        System.arraycopy(more, 0, words, 3, more.length);
        return words;
    }

    @Test
    void aGoodDatasetIsTold() {
        StencilRun folder =
                StencilRun.inProcess(words(training.dataset().toString())).succeeded();
        StencilRun file = StencilRun.inProcess(words("--dataset_metadata_path=" + training.metadata()))
                .succeeded();
        assertThat(folder.out()).isEqualTo("checked 3 rows, all can be used\n");
        assertThat(file.out()).isEqualTo(folder.out());
    }

    @Test
    void allBadRowsAreTold() throws IOException {
        ByteArrayOutputStream jpeg = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB), "jpg", jpeg);
        Files.write(training.dataset().resolve("cut.jpg"), Arrays.copyOf(jpeg.toByteArray(), jpeg.size() - 20));
        RgbImageWriter.write(
                RgbImage.filled(new ImageSize(15, 200), 0), training.dataset().resolve("thin.png"));
        training.write(TrainingFolder.row("\"0.png\"", "{\"scale\": 0.5}")
                + TrainingFolder.row("\"cut.jpg\"", "{\"scale\": 0.5}")
                + "{'image': '1.png'}\n"
                + TrainingFolder.row("\"thin.png\"", "{\"scale\": 0.5}")
                + TrainingFolder.row("\"1.png\"", "{\"scale\": \"much\"}")
                + TrainingFolder.row("\"gone.png\"", "{\"scale\": 0.5}")
                + TrainingFolder.row("\"2.png\"", "{\"scale\": 0.5}"));

        StencilRun run = StencilRun.inProcess(words(training.dataset().toString()));

        assertThat(run.exitCode()).isEqualTo(1);
        Path at = training.metadata();
        assertThat(run.out().lines())
                .satisfiesExactly(
                        line -> assertThat(line)
                                .startsWith(at + ":2: 'image': ")
                                .contains("cut.jpg: is cut short in its pixels"),
                        line -> assertThat(line)
                                .startsWith(at + ":3: is not JSON: ")
                                .contains("it looks like a Python dict"),
                        line -> assertThat(line)
                                .startsWith(at + ":4: 'image': ")
                                .contains("thin.png: ", "15 x 200"),
                        line -> assertThat(line)
                                .isEqualTo(at + ":5: 'template_inputs.scale': must be a number, found \"much\""),
                        line -> assertThat(line)
                                .startsWith(at + ":6: 'image': ")
                                .contains("gone.png: no such file"),
                        line -> assertThat(line).isEqualTo("checked 7 rows, 5 cannot be used"));
    }

    @Test
    void aFolderWithoutMetadataIsTold() {
        StencilRun.inProcess("dataset", "check", temporary.toString())
                .failed(1, "must hold one of metadata.jsonl, metadata.json and metadata.csv, found none");
        StencilRun.inProcess("dataset", "check").failed(2, "'--dataset_metadata_path=FILE'");
        StencilRun.inProcess("dataset").failed(2, "Missing required option: '--output_path=DIR'");
        StencilRun.inProcess("dataset", "--output_path=x").failed(2, "Missing required option: '--count=N'");
    }
}
