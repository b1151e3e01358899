package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.testing.TestFiles;
import io.stencil.train.DatasetEncoder.EncodingListener;
import io.stencil.train.encodings.CacheFolder;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Training a Template on models that rest in float8.
class Float8TrainingTest {

    private static final LoadOptions ALL = TinyTraining.FLOAT32.withFloat8(EnumSet.allOf(ModelRole.class));
    private static final LoadOptions TRANSFORMER = TinyTraining.FLOAT32.withFloat8(Set.of(ModelRole.TRANSFORMER));

    @TempDir
    Path folder;

    @SuppressWarnings("NullAway.Init")
    private TinyDataset dataset;

    @BeforeEach
    void paint() throws IOException {
        dataset = TinyDataset.paint(Files.createDirectory(folder.resolve("data")), 4);
    }

    private static List<Double> losses(TrainOptions.Builder options) {
        Recorder recorder = new Recorder();
        new Trainer().run(options.build(), recorder);
        return recorder.losses();
    }

    private TrainOptions.Builder oneStage(String output) {
        return dataset.options(folder.resolve(output)).epochs(2);
    }

    private void encode(LoadOptions load) {
        assertThat(new DatasetEncoder()
                        .run(
                                dataset.options(folder.resolve("cache"))
                                        .task(Task.SFT_DATA_PROCESS)
                                        .load(load)
                                        .build(),
                                EncodingListener.NONE))
                .isTrue();
    }

    @Test
    void theLossIsThatOfExactWeightsWithinOnePerCent() {
        List<Double> exact = losses(oneStage("exact"));
        List<Double> narrow = losses(oneStage("narrow").load(ALL));

        assertThat(narrow).hasSameSizeAs(exact).isNotEqualTo(exact);
        for (int i = 0; i < exact.size(); i++) {
            assertThat(Math.abs(narrow.get(i) - exact.get(i)) / exact.get(i)).isLessThan(0.01);
        }
    }

    @Test
    void checkpointedStepsAreTheSame() {
        assertThat(losses(oneStage("checkpointed").load(ALL).gradientCheckpointing(true)))
                .isEqualTo(losses(oneStage("plain").load(ALL)));
    }

    @Test
    void twoStagesAreOne() {
        encode(ALL);
        CacheFolder cache = new CacheFolder(folder.resolve("cache"));
        ModelFiles transformer = new ModelFiles(List.of(List.of(TestFiles.tinyModel("transformer"))), null);
        TrainOptions.Builder second = TinyDataset.options(
                        transformer, folder.resolve("cache"), cache.index(), folder.resolve("two"))
                .task(Task.SFT_TRAIN)
                .epochs(2)
                .load(TRANSFORMER);

        assertThat(losses(second)).isEqualTo(losses(oneStage("one").load(ALL)));
    }

    @Test
    void whatModelsInFloat8EncodeIsNotGoneOnWithByOthers() {
        encode(ALL);
        assertThatThrownBy(() -> encode(TRANSFORMER))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("was encoded with another text encoder at rest: float8_e4m3fn, now none");
    }

    @Test
    void aModelThatRestsInFloat8IsNotTrained() {
        TrainOptions options = dataset.options(folder.resolve("out"))
                .trainable(List.of("template_model", "dit.proj_out"))
                .build();
        try (Flux2Pipeline pipeline = Flux2Pipeline.load(TinyTraining.base(), TRANSFORMER);
                var template = TinyTraining.template(pipeline)) {
            assertThatThrownBy(() -> new Trainer().run(options, pipeline, template, TrainingListener.NONE))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'trainable_models': 'proj_out.weight' rests in float8 and cannot be trained");
        }
    }

    @Test
    void aModelOfWhichThereAreNoFilesIsNamed() {
        ModelFiles vae = new ModelFiles(List.of(List.of(TestFiles.tinyModel("vae"))), null);
        assertThatThrownBy(() -> Flux2Pipeline.load(vae, TRANSFORMER))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'fp8_models': names 'transformer', of which there are no files");
    }
}
