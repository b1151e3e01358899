package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.testing.TestFiles;
import io.stencil.train.DatasetEncoder.EncodingListener;
import io.stencil.train.encodings.CacheFolder;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.StepReport;
import io.stencil.train.options.DataOptions.ExtraInput;
import io.stencil.train.options.ObjectiveOptions.TimestepSampling;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Two stages are one, bit for bit; and stage two needs the transformer alone.
class SplitTrainingTest {

    private static final ModelFiles TRANSFORMER =
            new ModelFiles(List.of(List.of(TestFiles.tinyModel("transformer"))), null);

    @TempDir
    Path folder;

    @SuppressWarnings("NullAway.Init")
    private TinyDataset dataset;

    @BeforeEach
    void paint() throws IOException {
        dataset = TinyDataset.paint(Files.createDirectory(folder.resolve("data")), 4);
    }

    private Path cache() {
        return folder.resolve("cache");
    }

    private TrainOptions.Builder firstStage() {
        return dataset.options(cache()).task(Task.SFT_DATA_PROCESS);
    }

    private boolean encode(UnaryOperator<TrainOptions.Builder> more) {
        return new DatasetEncoder().run(more.apply(firstStage()).build(), EncodingListener.NONE);
    }

    private Recorder train(TrainOptions.Builder options) {
        Recorder recorder = new Recorder();
        new Trainer().run(options.build(), recorder);
        return recorder;
    }

    private TrainOptions.Builder secondStage(String output) {
        return TinyDataset.options(TRANSFORMER, cache(), new CacheFolder(cache()).index(), folder.resolve(output))
                .task(Task.SFT_TRAIN);
    }

    private void assertEqualToOneStage(UnaryOperator<TrainOptions.Builder> more, String weights) {
        assertThat(encode(more)).isTrue();
        Recorder one = train(more.apply(dataset.options(folder.resolve("one"))));
        Recorder two = train(more.apply(secondStage("two")));

        assertThat(two.steps.stream().map(StepReport::loss))
                .isNotEmpty()
                .containsExactlyElementsOf(
                        one.steps.stream().map(StepReport::loss).toList());
        assertThat(folder.resolve("two").resolve(weights))
                .hasSameBinaryContentAs(folder.resolve("one").resolve(weights));
    }

    @Test
    void theSecondStageTrainsAsOneStageDoes() {
        assertEqualToOneStage(options -> options.epochs(2), "checkpoints/epoch-1.safetensors");
    }

    @Test
    void alsoWithEditImagesBatchesDroppedCaptionsAndRowsReadAhead() {
        assertEqualToOneStage(
                options -> options.extraInputs(Set.of(ExtraInput.TEMPLATE_INPUTS, ExtraInput.EDIT_IMAGE))
                        .batchSize(2)
                        .captionDropout(0.5)
                        .workers(2)
                        .maxSteps(6),
                "checkpoints/step-6.safetensors");
    }

    @Test
    void alsoWithWeightsOfRowsBucketsAndShiftedTimesteps() throws IOException {
        Path metadata = dataset.folder().resolve("metadata.jsonl");
        String rows = Files.readString(metadata);
        Files.writeString(metadata, rows.replace("\"1.png\", \"prompt\"", "\"1.png\", \"weight\": 4, \"prompt\""));
        RgbImageWriter.write(
                RgbImage.filled(new ImageSize(50, 20), 0x203040),
                dataset.folder().resolve("2.png"));
        UnaryOperator<TrainOptions.Builder> options = builder -> builder.batchSize(2)
                .set("timestep_sampling", TimestepSampling.SHIFTED)
                .maxSteps(4);
        UnaryOperator<TrainOptions.Builder> inBuckets = builder -> options.apply(builder)
                .maxPixels(1024)
                .set("enable_bucket", true)
                .set("bucket_reso_steps", 16);
        assertEqualToOneStage(inBuckets, "checkpoints/step-4.safetensors");
        assertThat(Files.readString(cache().resolve("index.json")))
                .contains("\"weights\" : [ 1.0, 4.0, 1.0, 1.0 ]", "\"48x16\"");
        Files.writeString(metadata, rows);
        assertThat(encoded(inBuckets)).isZero();
        assertThat(Files.readString(cache().resolve("index.json"))).doesNotContain("weights");
    }

    @Test
    void alsoWhereThePicturesAreGone() throws IOException {
        encode(options -> options);
        for (int i = 0; i < 4; i++) {
            Files.delete(dataset.folder().resolve(i + ".png"));
        }

        assertThat(train(secondStage("two").maxSteps(2)).steps).hasSize(2);
    }

    /// The files of the next batch are read while the present one trains: they may be gone when its turn comes.
    @Test
    void filesAreReadAhead() {
        encode(options -> options);
        Recorder recorder = new Recorder();
        TrainingListener deleting = new TrainingListener() {
            @Override
            public void onStep(StepReport report) {
                if (report.step() == 1) {
                    deleteLater("samples/00000002.safetensors", "samples/00000003.safetensors");
                }
            }
        };
        TrainOptions.Builder options =
                secondStage("two").shuffle(false).batchSize(2).maxSteps(2).workers(1);
        new Trainer().run(options.build(), TrainingListener.all(List.of(recorder, deleting)));
        assertThat(recorder.steps).hasSize(2);
    }

    private void deleteLater(String... files) {
        try {
            TimeUnit.MILLISECONDS.sleep(3000); // by far longer than reading them takes
            for (String file : files) {
                Files.delete(cache().resolve(file));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void aStoppedRunGoesOnWhereItWas() throws IOException {
        DatasetEncoder stopped = new DatasetEncoder();
        boolean complete = stopped.run(firstStage().build(), new EncodingListener() {
            @Override
            public void onSample(int done, int samples) {
                if (done == 2) {
                    stopped.requestStop();
                }
            }
        });
        Path first = cache().resolve("samples/00000000.safetensors");
        Object written = Files.getLastModifiedTime(first);

        assertThat(complete).isFalse();
        assertThatThrownBy(() -> train(secondStage("two")))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("is not complete")
                .hasMessageContaining("run --task sft:data_process again");
        assertThat(encode(options -> options)).isTrue();
        assertThat(Files.getLastModifiedTime(first)).isEqualTo(written);
        assertThat(train(secondStage("two")).steps).hasSize(4);
    }

    @Test
    void anotherTemplateIsRefusedWithTheDifference() {
        encode(options -> options);

        assertThatThrownBy(() -> train(secondStage("two").trainable(List.of("template_model.proj_k"))))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("was encoded with another template frozen weights");
        assertThatThrownBy(() -> train(
                        secondStage("three").extraInputs(Set.of(ExtraInput.TEMPLATE_INPUTS, ExtraInput.EDIT_IMAGE))))
                .hasMessageContaining("was encoded with another extra inputs: template_inputs, now ");
    }

    private int encoded(UnaryOperator<TrainOptions.Builder> more) {
        int[] open = {-1};
        assertThat(new DatasetEncoder().run(more.apply(firstStage()).build(), new EncodingListener() {
                    @Override
                    public void onStart(int done, int samples) {
                        open[0] = samples - done;
                    }
                }))
                .isTrue();
        return open[0];
    }

    /// The cache is the one that a fresh encoding of the same data makes.
    private void assertAsFresh(UnaryOperator<TrainOptions.Builder> more) throws IOException {
        Path fresh = folder.resolve("fresh");
        new DatasetEncoder()
                .run(
                        more.apply(dataset.options(fresh).task(Task.SFT_DATA_PROCESS))
                                .build(),
                        EncodingListener.NONE);
        assertThat(Files.readString(cache().resolve("index.json")))
                .isEqualTo(Files.readString(fresh.resolve("index.json")));
        try (Stream<Path> samples = Files.list(fresh.resolve("samples"))) {
            List<Path> all = samples.toList();
            assertThat(cache().resolve("samples").toFile().list()).hasSameSizeAs(all);
            for (Path sample : all) {
                assertThat(cache().resolve("samples").resolve(sample.getFileName()))
                        .hasSameBinaryContentAs(sample);
            }
        }
    }

    private static void paint(Path file, int colour) throws IOException {
        RgbImageWriter.write(RgbImage.filled(new ImageSize(32, 32), colour), file);
    }

    @Test
    void aReplacedImageIsEncodedAgainAndNoOther() throws IOException {
        assertThat(encoded(options -> options)).isEqualTo(4);
        assertThat(encoded(options -> options)).isZero();
        paint(dataset.folder().resolve("2.png"), 0x123456);
        assertThat(encoded(options -> options)).isEqualTo(1);
        assertAsFresh(options -> options);
    }

    @Test
    void aReplacedEditImageIsEncodedAgain() throws IOException {
        UnaryOperator<TrainOptions.Builder> edit =
                options -> options.extraInputs(Set.of(ExtraInput.TEMPLATE_INPUTS, ExtraInput.EDIT_IMAGE));
        assertThat(encoded(edit)).isEqualTo(4);
        paint(dataset.folder().resolve("2.png"), 0x123456); // image of row 2, edit image of row 1
        assertThat(encoded(edit)).isEqualTo(2);
        assertAsFresh(edit);
    }

    @Test
    void anotherFolderOfTheSameNamesIsSeen() throws IOException {
        assertThat(encoded(options -> options)).isEqualTo(4);
        Path other = Files.createDirectory(folder.resolve("other"));
        for (int i = 0; i < 4; i++) {
            Files.copy(dataset.folder().resolve(i + ".png"), other.resolve(i + ".png"));
        }
        paint(other.resolve("1.png"), 0x123456);
        TrainOptions.Builder moved = TinyDataset.options(
                        TinyTraining.base(), other, dataset.folder().resolve("metadata.jsonl"), cache())
                .task(Task.SFT_DATA_PROCESS);
        assertThat(encoded(_ -> moved)).isEqualTo(1);
    }

    /// One row is changed, one removed, one added before the others: what is equal is not encoded again, and training
    /// follows the new order.
    @Test
    void rowsThatMoveKeepTheirSamples() throws IOException {
        assertThat(encoded(options -> options)).isEqualTo(4);
        Path metadata = dataset.folder().resolve("metadata.jsonl");
        List<String> rows = Files.readAllLines(metadata);
        paint(dataset.folder().resolve("new.png"), 0x654321);
        Files.write(
                metadata,
                List.of(
                        rows.get(0).replace("\"0.png\"", "\"new.png\""),
                        rows.get(3),
                        rows.get(0),
                        rows.get(1).replace("a wall", "a house")));
        assertThat(encoded(options -> options)).isEqualTo(2);
        assertThat(encoded(options -> options)).isZero();
        assertThat(cache().resolve("samples").toFile().list()).hasSize(4);
        Recorder one = train(dataset.options(folder.resolve("one")).shuffle(false));
        Recorder two = train(secondStage("two").shuffle(false));
        assertThat(two.losses()).hasSize(4).isEqualTo(one.losses());
    }

    @Test
    void aFileThatTemplateInputsNameIsPartOfTheSample() throws IOException {
        Path template = Files.createDirectory(folder.resolve("template"));
        Files.writeString(
                template.resolve("Model.java"),
                Files.readString(TestFiles.root().resolve("train/src/test/resources/templates/fails/Model.java"))
                        .replace(
                                "record Input(double scale) {}",
                                "record Input(double scale, io.stencil.image.RgbImage map) {}"));
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < 2; i++) {
            paint(dataset.folder().resolve("map" + i + ".png"), i);
            rows.append(
                    "{\"image\": \"0.png\", \"prompt\": \"p\", \"template_inputs\": {\"scale\": 1, \"map\": \"map%s.png\"}}\n"
                            .formatted(i));
        }
        Files.writeString(dataset.folder().resolve("metadata.jsonl"), rows);
        assertThat(encoded(options -> options.template(template))).isEqualTo(2);
        paint(dataset.folder().resolve("map1.png"), 0x00FF00);
        assertThat(encoded(options -> options.template(template))).isEqualTo(1);
        assertAsFresh(options -> options.template(template));
    }

    @Test
    void aCacheOfAnEarlierFormatIsRefused() throws IOException {
        encode(options -> options);
        Path origin = cache().resolve("origin.json");
        Files.writeString(origin, Files.readString(origin).replaceFirst("\"format\" : 2", "\"format\" : 1"));
        String message = "is not of format 2, found 1: another version of Stencil wrote it; encode into another folder";
        assertThatThrownBy(() -> encode(options -> options))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining(message);
        assertThatThrownBy(() -> train(secondStage("two"))).hasMessageContaining(message);
    }

    @Test
    void aSampleThatIsNotTheOneOfTheIndexIsRefused() throws IOException {
        encode(options -> options);
        Path samples = cache().resolve("samples");
        Files.copy(
                samples.resolve("00000001.safetensors"),
                samples.resolve("00000002.safetensors"),
                StandardCopyOption.REPLACE_EXISTING);
        assertThatThrownBy(() -> train(secondStage("two")))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage("%s: holds another sample than index.json names; run --task sft:data_process again"
                        .formatted(samples.resolve("00000002.safetensors")));
        assertThat(encoded(options -> options)).isEqualTo(1);
        assertAsFresh(options -> options);
    }

    /// Changes the last byte, which is one of a tensor.
    private static void damage(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 1] ^= 1;
        Files.write(file, bytes);
    }

    @Test
    void aSampleWithADamagedTensorIsRefusedAndEncodedAgainAfterItsDeletion() throws IOException {
        encode(options -> options);
        Path sample = cache().resolve("samples/00000002.safetensors");
        damage(sample);
        assertThatThrownBy(() -> train(secondStage("two")))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageMatching(
                        "\\Q%s\\E: has the CRC-32C [0-9a-f]+, but [0-9a-f]+ was written: it is damaged; delete it and run --task sft:data_process again, which encodes it anew"
                                .formatted(sample));
        Files.delete(sample);
        assertThat(encoded(options -> options)).isEqualTo(1);
        assertAsFresh(options -> options);
        train(secondStage("three").maxSteps(4));
    }

    /// Stage one reads the heads of the samples that are there, not their tensors.
    @Test
    void stageOneEncodesSamplesAnewThatAreCutOrHaveADamagedHead() throws IOException {
        encode(options -> options);
        Path cut = cache().resolve("samples/00000001.safetensors");
        byte[] bytes = Files.readAllBytes(cut);
        Files.write(cut, Arrays.copyOf(bytes, bytes.length - 1));
        Path head = cache().resolve("samples/00000002.safetensors");
        byte[] damaged = Files.readAllBytes(head);
        damaged[8] = 'x';
        Files.write(head, damaged);
        Path json = cache().resolve("samples/00000003.safetensors");
        rewrite(json, text -> text.substring(1));
        assertThat(encoded(options -> options)).isEqualTo(3);
        assertAsFresh(options -> options);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"rows\": null}", "{\"rows\": 4}", "{\"rows\": {}}", "[]"})
    void anIndexWithoutAListOfRowsIsRefused(String text) throws IOException {
        encode(options -> options);
        Path index = cache().resolve("index.json");
        Files.writeString(index, text);
        assertThatThrownBy(() -> train(secondStage("two")))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(
                        "%s: 'rows': is not an index of samples: must be a list; run --task sft:data_process again, which writes it anew"
                                .formatted(index));
        assertThat(encoded(options -> options)).isZero();
        assertThat(train(secondStage("two").maxSteps(1)).losses()).hasSize(1);
    }

    @Test
    void aDamagedEmptyPromptIsRefusedAndEncodedAgain() throws IOException {
        encode(options -> options);
        Path prompt = cache().resolve("empty_prompt.safetensors");
        byte[] before = Files.readAllBytes(prompt);
        damage(prompt);
        assertThatThrownBy(() -> train(secondStage("two").captionDropout(1)))
                .hasMessageStartingWith(prompt + ": has the CRC-32C ");
        assertThat(encoded(options -> options)).isZero();
        assertThat(prompt).hasBinaryContent(before);
    }

    /// An earlier version wrote no checksums.
    @Test
    void aCacheWithoutChecksumsIsUsed() throws IOException {
        encode(options -> options);
        Recorder with = train(secondStage("with"));
        try (Stream<Path> samples = Files.list(cache().resolve("samples"))) {
            for (Path sample : samples.toList()) {
                rewrite(sample, json -> json);
            }
        }
        assertThat(train(secondStage("without")).losses()).hasSize(4).isEqualTo(with.losses());
        assertThat(encoded(options -> options)).isZero();
    }

    /// Writes a sample anew without its checksum.
    private static void rewrite(Path sample, UnaryOperator<String> change) throws IOException {
        try (Scope _ = new Scope();
                SafetensorsFile file = SafetensorsFile.open(sample)) {
            String json = Objects.requireNonNull(file.metadata().get("json"));
            assertThat(file.metadata()).containsKey("crc32c");
            TensorFiles.write(sample, TensorFiles.read(sample), Map.of("json", change.apply(json)));
        }
    }

    @Test
    void aBrokenRowIsNamedInTheWordsOfJson() throws IOException {
        encode(options -> options);
        Path index = cache().resolve("index.json");
        String rows = Files.readString(index);
        Files.writeString(index, rows.replaceFirst("\"sample\" : 1,", "\"sample\" : \"one\","));
        assertThatThrownBy(() -> train(secondStage("two")))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(
                        "%s: 'rows[1]': is not a row of a cache: sample: must be a whole number, found \"one\"; run --task sft:data_process again, which writes the index anew"
                                .formatted(index));
        Files.writeString(index, rows);
        Path sample = cache().resolve("samples/00000000.safetensors");
        rewrite(sample, json -> json.replaceFirst("\"digest\":\"[0-9a-f]*\",", ""));
        assertThatThrownBy(() -> train(secondStage("three").shuffle(false)))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(
                        "%s: holds no sample: digest: is missing; run --task sft:data_process again, which encodes it anew"
                                .formatted(sample));
        assertThat(encoded(options -> options)).isEqualTo(1);
    }

    @Test
    void otherSizesDoNotMixIntoACache() {
        encode(options -> options);
        assertThatThrownBy(() -> encode(options -> options.maxPixels(300)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining(
                        "was encoded with another picture size: at most 1048576 pixels, now at most 300 pixels")
                .hasMessageContaining("encode into another folder");
    }

    @Test
    void aMissingSampleIsToldBeforeTraining() throws IOException {
        encode(options -> options);
        Files.delete(cache().resolve("samples/00000002.safetensors"));

        assertThatThrownBy(() -> train(secondStage("two")))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("00000002.safetensors");
    }

    @Test
    void aFolderThatIsNoCacheIsRefused() throws IOException {
        Files.writeString(Files.createDirectory(cache()).resolve("notes.txt"), "mine");

        assertThatThrownBy(() -> encode(options -> options)).hasMessageContaining("is neither empty nor a cache");
        assertThatThrownBy(() -> Trainer.check(firstStage().build())).hasMessageContaining("is neither empty nor");
        assertThatThrownBy(() -> train(secondStage("two"))).hasMessageContaining("is not a cache of encoded samples");
        assertThat(cache().resolve("notes.txt")).hasContent("mine");
    }
}
