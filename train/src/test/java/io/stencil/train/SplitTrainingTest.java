package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.testing.TestFiles;
import io.stencil.train.log.EncodingListener;
import io.stencil.train.log.StepReport;
import io.stencil.train.log.TrainingListener;
import io.stencil.train.options.ExtraInput;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptionsBuilder;
import io.stencil.train.split.CacheFolder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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

    private TrainOptionsBuilder firstStage() {
        return dataset.options(cache()).task(Task.SFT_DATA_PROCESS);
    }

    private boolean encode(UnaryOperator<TrainOptionsBuilder> more) {
        return new DataProcess().run(more.apply(firstStage()).build(), EncodingListener.NONE);
    }

    private Recorder train(TrainOptionsBuilder options) {
        Recorder recorder = new Recorder();
        new Trainer().run(options.build(), recorder);
        return recorder;
    }

    private TrainOptionsBuilder secondStage(String output) {
        return TinyDataset.options(TRANSFORMER, cache(), new CacheFolder(cache()).index(), folder.resolve(output))
                .task(Task.SFT_TRAIN);
    }

    private void assertEqualToOneStage(UnaryOperator<TrainOptionsBuilder> more, String weights) {
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
        assertEqualToOneStage(options -> options.epochs(2), "epoch-1.safetensors");
    }

    @Test
    void alsoWithEditImagesBatchesDroppedCaptionsAndRowsReadAhead() {
        assertEqualToOneStage(
                options -> options.extraInputs(Set.of(ExtraInput.TEMPLATE_INPUTS, ExtraInput.EDIT_IMAGE))
                        .batchSize(2)
                        .captionDropout(0.5)
                        .workers(2)
                        .maxSteps(6),
                "step-6.safetensors");
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
        TrainOptionsBuilder options =
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
        DataProcess stopped = new DataProcess();
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

    @Test
    void otherPicturesAndOtherModelsDoNotMixIntoACache() throws IOException {
        encode(options -> options);
        Files.writeString(
                dataset.folder().resolve("metadata.jsonl"),
                "{\"image\": \"0.png\", \"prompt\": \"b\", \"template_inputs\": {\"scale\": 1}}\n");

        assertThatThrownBy(() -> encode(options -> options))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("was encoded with another dataset metadata")
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
        assertThatThrownBy(() -> train(secondStage("two"))).hasMessageContaining("is no cache of encoded samples");
        assertThat(cache().resolve("notes.txt")).hasContent("mine");
    }
}
