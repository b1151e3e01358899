package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.train.DatasetEncoder.EncodingListener;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.Dataset.BadRow;
import io.stencil.train.data.RowScan;
import io.stencil.train.encodings.CacheFolder;
import io.stencil.train.options.DataOptions.FileKey;
import io.stencil.train.options.DataOptions.MaskedLoss;
import io.stencil.train.options.DataOptions.OnBadRow;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A part of each image counts in the loss, in every way of training.
class MaskedLossTest {

    @TempDir
    Path folder;

    @SuppressWarnings("NullAway.Init")
    private TinyDataset dataset;

    @BeforeEach
    void paint() throws IOException {
        dataset = TinyDataset.paint(Files.createDirectory(folder.resolve("data")), 4);
    }

    private Path metadata() {
        return dataset.folder().resolve("metadata.jsonl");
    }

    /// Gives each of the first rows a mask whose left part is black.
    ///
    /// @param black columns of each
    private void mask(int... black) throws IOException {
        List<String> rows = new ArrayList<>(Files.readAllLines(metadata()));
        for (int i = 0; i < black.length; i++) {
            rows.set(i, rows.get(i).replace("{\"image\"", "{\"mask\": \"mask%s.png\", \"image\"".formatted(i)));
            BufferedImage mask = new BufferedImage(32, 32, BufferedImage.TYPE_BYTE_GRAY);
            for (int y = 0; y < 32; y++) {
                for (int x = black[i]; x < 32; x++) {
                    mask.getRaster().setSample(x, y, 0, 255);
                }
            }
            ImageIO.write(
                    mask, "png", dataset.folder().resolve("mask" + i + ".png").toFile());
        }
        Files.write(metadata(), rows);
    }

    /// Makes the left part of an image transparent.
    private void fade(int image, int columns) throws IOException {
        Path file = dataset.folder().resolve(image + ".png");
        BufferedImage opaque = ImageIO.read(file.toFile());
        BufferedImage faded = new BufferedImage(32, 32, BufferedImage.TYPE_INT_ARGB);
        for (int y = 0; y < 32; y++) {
            for (int x = 0; x < 32; x++) {
                faded.setRGB(x, y, opaque.getRGB(x, y) & (x < columns ? 0xFFFFFF : -1));
            }
        }
        ImageIO.write(faded, "png", file.toFile());
    }

    private TrainOptions.Builder options(String output) {
        return dataset.options(folder.resolve(output)).maxSteps(4);
    }

    private static Recorder train(TrainOptions.Builder options) {
        Recorder recorder = new Recorder();
        new Trainer().run(options.build(), recorder);
        return recorder;
    }

    private void assertSameRun(String one, String other) {
        assertThat(folder.resolve(one).resolve("checkpoints/step-4.safetensors"))
                .hasSameBinaryContentAs(folder.resolve(other).resolve("checkpoints/step-4.safetensors"));
    }

    private static TrainOptions.Builder masked(TrainOptions.Builder options) {
        return options.set("masked_loss", MaskedLoss.MASK);
    }

    /// Also where some rows have no mask: they count in full.
    @Test
    void whiteMasksChangeNoBit() throws IOException {
        mask(0, 0);
        Recorder without = train(options("without").batchSize(2));
        Recorder with = train(masked(options("with").batchSize(2)));

        assertThat(with.losses()).hasSize(4).isEqualTo(without.losses());
        assertSameRun("with", "without");
    }

    /// Rows read and encoded ahead, or encoded once, with batches of masked and unmasked rows.
    @Test
    void masksAreKeptWithTheEncodings() throws IOException {
        mask(16, 20, 8);
        UnaryOperator<TrainOptions.Builder> more =
                options -> masked(options).batchSize(2).captionDropout(0.5);
        Recorder plain = train(more.apply(options("plain")));
        Recorder ahead = train(more.apply(options("ahead")).workers(2));
        Recorder kept = train(more.apply(options("kept")).cacheEncodings(true));

        assertThat(plain.losses())
                .hasSize(4)
                .isEqualTo(ahead.losses())
                .isEqualTo(kept.losses())
                .isNotEqualTo(train(options("unmasked").batchSize(2).captionDropout(0.5))
                        .losses());
        assertSameRun("plain", "ahead");
        assertSameRun("plain", "kept");
    }

    private TrainOptions.Builder secondStage(String output) {
        Path cache = folder.resolve("cache");
        return TinyDataset.options(TinyTraining.base(), cache, new CacheFolder(cache).index(), folder.resolve(output))
                .task(Task.SFT_TRAIN)
                .maxSteps(4);
    }

    private int encoded(UnaryOperator<TrainOptions.Builder> more) {
        int[] open = {-1};
        TrainOptions.Builder first =
                more.apply(dataset.options(folder.resolve("cache"))).task(Task.SFT_DATA_PROCESS);
        assertThat(new DatasetEncoder().run(first.build(), new EncodingListener() {
                    @Override
                    public void onStart(int done, int samples) {
                        open[0] = samples - done;
                    }
                }))
                .isTrue();
        return open[0];
    }

    @ParameterizedTest
    @EnumSource
    void twoStagesTrainAsOneDoes(MaskedLoss source) throws IOException {
        if (source == MaskedLoss.MASK) {
            mask(16, 20, 8);
        } else {
            fade(0, 16);
            fade(1, 20);
        }
        UnaryOperator<TrainOptions.Builder> more =
                options -> options.set("masked_loss", source).batchSize(2).set("validation_split", 0.4);
        assertThat(encoded(more)).isEqualTo(4);
        Recorder one = train(more.apply(options("one")));
        Recorder two = train(more.apply(secondStage("two")).workers(1));

        assertThat(two.losses()).hasSize(4).isEqualTo(one.losses());
        assertThat(two.validations.getLast().weights())
                .isEqualTo(one.validations.getLast().weights());
        assertSameRun("one", "two");
        try (SafetensorsFile sample = SafetensorsFile.open(folder.resolve("cache/samples/00000001.safetensors"))) {
            assertThat(sample.entry("mask").dims()).containsExactly(1, 4, 1);
        }
        assertThatThrownBy(() -> train(secondStage("three")))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("was encoded with another masked loss: %s, now none".formatted(source.option()));
    }

    @Test
    void aChangedMaskIsEncodedAgainAndEndsAResumedRun() throws IOException {
        mask(16, 20);
        assertThat(encoded(MaskedLossTest::masked)).isEqualTo(4);
        train(masked(options("run")));
        mask(16, 24);
        assertThat(encoded(MaskedLossTest::masked)).isEqualTo(1);
        assertThatThrownBy(() -> train(masked(options("run")).maxSteps(6).resume(true)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'resume': the content of a row has changed since the run used it")
                .hasMessageContaining("metadata.jsonl:2");
        assertThatThrownBy(() -> train(options("run").maxSteps(6).resume(true)))
                .hasMessageStartingWith("'data_file_keys': is image, but the run in ")
                .hasMessageContaining("began with image,mask; give the same");
    }

    private List<String> bad(TrainOptions.Builder options) {
        Dataset all = Dataset.readAll(options.build().data());
        assertThat(all.bad()).isEmpty();
        return new RowScan(all, null, 1)
                .run(_ -> true, _ -> {}).stream().map(BadRow::reason).toList();
    }

    @Test
    void aBlackMaskAndOneOfAnotherSizeAreBadRows() throws IOException {
        mask(32, 4, 4);
        RgbImageWriter.write(
                RgbImage.filled(new ImageSize(32, 48), 0xFFFFFF),
                dataset.folder().resolve("mask1.png"));
        Path folder = dataset.folder();

        assertThat(bad(masked(options("run"))))
                .containsExactly(
                        "%s:1: 'mask': %s: is all black, so that no part of the image counts in the loss (--masked_loss mask); mend it, or leave the row out"
                                .formatted(metadata(), folder.resolve("mask0.png")),
                        "%s:2: 'mask': %s: is 32 x 48 pixels, but the image %s is 32 x 32; a mask has the size of its image: scale it"
                                .formatted(metadata(), folder.resolve("mask1.png"), folder.resolve("1.png")));
        assertThatThrownBy(() -> train(masked(options("run"))))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining(":2: 'mask'");
        Files.copy(folder.resolve("mask2.png"), folder.resolve("mask1.png"), StandardCopyOption.REPLACE_EXISTING);
        Recorder skipped = new Recorder();
        new Trainer().run(masked(options("skipped")).onBadRow(OnBadRow.SKIP).build(), skipped);
        assertThat(skipped.warnings).singleElement().asString().contains(":1: 'mask'", "is all black");
    }

    @Test
    void aTransparentImageIsABadRow() throws IOException {
        fade(2, 32);
        assertThat(bad(options("run").set("masked_loss", MaskedLoss.ALPHA)))
                .singleElement()
                .asString()
                .startsWith(metadata() + ":3: 'image': ")
                .contains(
                        "is wholly transparent, so that no part of the image counts in the loss (--masked_loss alpha)");
        assertThat(bad(options("run"))).isEmpty();
    }

    @Test
    void masksThatNothingNamesAreRefused() {
        assertThatThrownBy(() -> Trainer.check(masked(options("run")).build()))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage(
                        "'masked_loss': mask needs the column 'mask', the path of each row's mask, but no row of %s has one"
                                .formatted(metadata()));
        assertThatThrownBy(() ->
                        masked(options("run")).fileKeys(Set.of(FileKey.IMAGE)).build())
                .hasMessage("'data_file_keys': must name mask too, which --masked_loss mask needs");
        assertThatThrownBy(() -> masked(options("run"))
                        .task(Task.VAE)
                        .template(null)
                        .extraInputs(Set.of())
                        .trainable(List.of("vae"))
                        .build())
                .hasMessage("'masked_loss': has no part in --task vae, whose loss counts whole images; leave it out");
    }

    /// By the same scale and crop as the image.
    @Test
    void aMaskFollowsItsImageToTheLatents() throws IOException {
        mask(12);
        Dataset halved =
                Dataset.read(masked(options("run").size(32, 16)).build().data());
        Dataset whole = Dataset.read(masked(options("run")).build().data());

        assertThat(values(whole)).containsExactly(0.25f, 1, 0.25f, 1);
        assertThat(values(halved)).as("columns 8 to 24, of which 4 are black").containsExactly(0.75f, 0.75f);
    }

    private static float[] values(Dataset of) {
        return Objects.requireNonNull(of.load(of.rows().getFirst()).mask()).values();
    }
}
