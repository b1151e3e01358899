package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.testing.TestFiles;
import io.stencil.train.DatasetEncoder.EncodingListener;
import io.stencil.train.encodings.CacheFolder;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.StepReport;
import io.stencil.train.options.DataOptions.OnBadRow;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Rows that cannot be read, and rows that change between the parts of a run.
class BadRowTest {

    @TempDir
    Path folder;

    @SuppressWarnings("NullAway.Init")
    private TinyDataset dataset;

    @BeforeEach
    void paint() throws IOException {
        dataset = TinyDataset.paint(Files.createDirectory(folder.resolve("data")), 4);
    }

    private TrainOptions.Builder options(String output) {
        return dataset.options(folder.resolve(output));
    }

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

    private static Recorder train(TrainOptions.Builder options) {
        return train(options, Long.MAX_VALUE);
    }

    /// Its head is whole, its pixels are not.
    private void damage(int row) throws IOException {
        ByteArrayOutputStream jpeg = new ByteArrayOutputStream();
        ImageIO.write(new BufferedImage(32, 32, BufferedImage.TYPE_INT_RGB), "jpg", jpeg);
        Files.write(dataset.folder().resolve(row + ".png"), Arrays.copyOf(jpeg.toByteArray(), jpeg.size() - 20));
    }

    private void removeRow(int row) throws IOException {
        Path metadata = dataset.folder().resolve("metadata.jsonl");
        List<String> rows = new ArrayList<>(Files.readAllLines(metadata));
        rows.remove(row);
        Files.write(metadata, rows);
    }

    @Test
    void anImageThatIsTooSmallIsFoundBeforeTheFirstStep() throws IOException {
        RgbImageWriter.write(
                RgbImage.filled(new ImageSize(15, 200), 0), dataset.folder().resolve("3.png"));
        for (int batch : List.of(1, 2)) {
            Recorder recorder = new Recorder();
            assertThatThrownBy(() -> new Trainer()
                            .run(options("a" + batch).batchSize(batch).build(), recorder))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessageContaining("metadata.jsonl:4: 'image': ")
                    .hasMessageContaining("15 x 200");
            assertThat(recorder.steps).isEmpty();
            assertThat(folder.resolve("a" + batch)).doesNotExist();
        }
        assertThatThrownBy(() -> new DatasetEncoder()
                        .run(options("cache").task(Task.SFT_DATA_PROCESS).build(), EncodingListener.NONE))
                .hasMessageContaining("metadata.jsonl:4: 'image': ");
        assertThat(folder.resolve("cache")).doesNotExist();
    }

    /// The VAE takes sides that are multiples of 16: whether a Template gives it the image of a row only it knows.
    @Test
    void anImageThatATemplateCannotEncodeIsToldWithItsRowBeforeTheFirstStep() throws IOException {
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < 3; i++) {
            int width = i == 1 ? 70 : 64;
            RgbImageWriter.write(
                    RgbImage.filled(new ImageSize(width, 48), i),
                    dataset.folder().resolve("map" + i + ".png"));
            rows.append(
                    "{\"image\": \"0.png\", \"prompt\": \"p\", \"template_inputs\": {\"image\": \"map%s.png\", \"prompt\": \"p\"}}\n"
                            .formatted(i));
        }
        Files.writeString(dataset.folder().resolve("metadata.jsonl"), rows);
        Path template = Files.createDirectory(folder.resolve("control"));
        Files.copy(TestFiles.root().resolve("examples/control/Model.java"), template.resolve("Model.java"));
        for (Task task : List.of(Task.SFT, Task.SFT_DATA_PROCESS)) {
            TrainOptions.Builder options =
                    options("out-" + task).template(template).task(task);
            assertThatThrownBy(() -> {
                        if (task == Task.SFT) {
                            train(options.shuffle(false));
                        } else {
                            new DatasetEncoder().run(options.build(), EncodingListener.NONE);
                        }
                    })
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessageContaining(
                            "metadata.jsonl:2: 'template_inputs': {\"image\":\"map1.png\",\"prompt\":\"p\"}: ")
                    .hasMessageContaining("48 x 70");
            assertThat(folder.resolve("out-" + task + "/training_args.json")).doesNotExist();
        }
    }

    /// Skipping a row is training without it, in one stage and in two, also where the run is stopped.
    @Test
    void aSkippedRowLeavesNoTrace() throws IOException {
        damage(1);
        Recorder skipping = train(options("skipping").onBadRow(OnBadRow.SKIP).epochs(2));
        Recorder first =
                train(options("parts").onBadRow(OnBadRow.SKIP).epochs(2).workers(2), 2);
        Recorder second =
                train(options("parts").onBadRow(OnBadRow.SKIP).epochs(2).resume(true));
        TrainOptions.Builder stage =
                options("cache").task(Task.SFT_DATA_PROCESS).onBadRow(OnBadRow.SKIP);
        assertThat(new DatasetEncoder().run(stage.build(), EncodingListener.NONE))
                .isTrue();
        ModelFiles transformer = new ModelFiles(List.of(List.of(TestFiles.tinyModel("transformer"))), null);
        Path cache = folder.resolve("cache");
        Recorder split =
                train(TinyDataset.options(transformer, cache, new CacheFolder(cache).index(), folder.resolve("two"))
                        .task(Task.SFT_TRAIN)
                        .epochs(2));
        removeRow(1);
        Recorder without = train(options("without").epochs(2));

        assertThat(without.losses()).hasSize(6);
        assertThat(skipping.losses()).isEqualTo(without.losses());
        assertThat(split.losses()).isEqualTo(without.losses());
        assertThat(List.of(first.losses(), second.losses()))
                .containsExactly(
                        without.losses().subList(0, 2), without.losses().subList(2, 6));
        for (Recorder one : List.of(skipping, first, second)) {
            assertThat(one.warnings)
                    .singleElement()
                    .asString()
                    .startsWith("skipped a row: ")
                    .contains("metadata.jsonl:2: 'image': ", "1.png: is cut short in its pixels");
        }
    }

    /// What was skipped stays skipped in a run, also where it could be read by now.
    @Test
    void aRowThatIsMendedStaysOutOfTheRun() throws IOException {
        Path image = dataset.folder().resolve("1.png");
        Path whole = Files.copy(image, folder.resolve("whole.png"));
        damage(1);
        Recorder all = train(options("all").onBadRow(OnBadRow.SKIP).epochs(2));
        train(options("parts").onBadRow(OnBadRow.SKIP).epochs(2), 2);
        Files.copy(whole, image, StandardCopyOption.REPLACE_EXISTING);
        Recorder second =
                train(options("parts").onBadRow(OnBadRow.SKIP).epochs(2).resume(true));
        assertThat(second.losses()).isEqualTo(all.losses().subList(2, 6));
    }

    /// The run is then that without the row from the beginning, also where it fails at bad rows again from there on.
    @Test
    void aRunThatFailedAtARowGoesOnWithoutIt() throws IOException {
        damage(2);
        TrainOptions.Builder parts = options("parts").shuffle(false).epochs(2);
        Recorder first = new Recorder();
        assertThatThrownBy(() -> new Trainer().run(parts.build(), first))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("metadata.jsonl:3: 'image': ");
        assertThat(first.savedAtFailure).containsExactly(2L);
        Recorder second = train(parts.onBadRow(OnBadRow.SKIP).workers(2).resume(true), 4);
        Recorder third = train(parts.onBadRow(OnBadRow.FAIL).workers(0));
        removeRow(2);
        Recorder without = train(options("without").shuffle(false).epochs(2));

        assertThat(without.losses()).hasSize(6);
        List<Double> losses = new ArrayList<>(first.losses());
        losses.addAll(second.losses());
        losses.addAll(third.losses());
        assertThat(losses).isEqualTo(without.losses());
        assertThat(folder.resolve("parts/checkpoints/epoch-1.safetensors"))
                .hasSameBinaryContentAs(folder.resolve("without/checkpoints/epoch-1.safetensors"));
        for (Recorder one : List.of(second, third)) {
            assertThat(one.warnings)
                    .singleElement()
                    .asString()
                    .startsWith("skipped a row: ")
                    .contains("metadata.jsonl:3: 'image': ", "2.png: is cut short in its pixels");
        }
    }

    /// The batches of the update were counted with the row.
    @Test
    void noFurtherRowIsSkippedWithinAnUpdate() throws IOException {
        train(options("a").shuffle(false).gradientAccumulationSteps(4), 1);
        damage(2);
        assertThatThrownBy(() -> train(options("a")
                        .shuffle(false)
                        .gradientAccumulationSteps(4)
                        .onBadRow(OnBadRow.SKIP)
                        .resume(true)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith(
                        "'on_bad_row': a row that the run has not skipped so far cannot be skipped from "
                                + "the state in '%s' on: it lies within an update"
                                        .formatted(folder.resolve("a/checkpoints/step-1.state")))
                .hasMessageContaining("metadata.jsonl:3: 'image': ");
    }

    /// It is no row to be skipped: the run has learned from what it was.
    @Test
    void aUsedRowThatIsDamagedSinceIsRefused() throws IOException {
        train(options("a").shuffle(false), 2);
        damage(1);
        assertThatThrownBy(() -> train(
                        options("a").shuffle(false).onBadRow(OnBadRow.SKIP).resume(true)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'resume': the content of a row has changed since the run used it")
                .hasMessageContaining("metadata.jsonl:2");
    }

    @Test
    void tooManyBadRowsAreRefused() throws IOException {
        damage(1);
        Files.delete(dataset.folder().resolve("2.png"));
        assertThatThrownBy(() -> train(options("a").onBadRow(OnBadRow.SKIP)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'on_bad_row': 2 of 4 rows cannot be used, at most 1 may be skipped; "
                        + "'stencil dataset check' lists them, the first: ")
                .hasMessageContaining("metadata.jsonl:2");
    }

    @Test
    void anImageThatTheRunHasUsedMustNotChange() throws IOException {
        train(options("a").shuffle(false), 2);
        RgbImageWriter.write(
                RgbImage.filled(new ImageSize(32, 32), 0x123456),
                dataset.folder().resolve("1.png"));
        assertThatThrownBy(() -> train(options("a").shuffle(false).resume(true)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage(
                        "'resume': the content of a row has changed since the run used it (images, Template inputs or "
                                + "their files): %s:2; put it back, or train anew into another folder"
                                        .formatted(dataset.folder().resolve("metadata.jsonl")));
    }

    /// The run is then that of the changed dataset from the beginning.
    @Test
    void anImageThatTheRunHasNotUsedMayChange() throws IOException {
        train(options("a").shuffle(false), 2);
        RgbImageWriter.write(
                RgbImage.filled(new ImageSize(32, 32), 0x123456),
                dataset.folder().resolve("3.png"));
        Recorder second = train(options("a").shuffle(false).resume(true));
        Recorder whole = train(options("whole").shuffle(false));
        assertThat(second.losses()).isEqualTo(whole.losses().subList(2, 4));
        assertThat(second.warnings).isEmpty();
    }

    @Test
    void aStateWithoutARecordOfImagesIsGoneOnWithAWarning() throws IOException {
        train(options("a"), 2);
        Files.delete(folder.resolve("a/checkpoints/step-2.state/dataset.json"));
        assertThat(train(options("a").resume(true)).warnings)
                .singleElement()
                .asString()
                .contains("kept no record of images: they are not compared");
    }
}
