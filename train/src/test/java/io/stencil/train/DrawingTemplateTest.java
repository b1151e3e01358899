package io.stencil.train;

import static io.stencil.testing.TensorAssert.assertSame;
import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.TestFiles;
import io.stencil.train.DatasetEncoder.EncodingListener;
import io.stencil.train.data.Dataset;
import io.stencil.train.encodings.CacheFolder;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.StepReport;
import io.stencil.train.options.DataOptions.OnBadRow;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// A Template whose data processor, `processInputs` and `forward` draw from the generator of the process.
class DrawingTemplateTest {

    private static final String ABOVE = "stencil.test.draws_above";
    private static final Path TEMPLATE = TestFiles.root().resolve("train/src/test/resources/templates/draws");

    @TempDir
    Path folder;

    @SuppressWarnings("NullAway.Init")
    private TinyDataset dataset;

    @BeforeEach
    void paint() throws IOException {
        dataset = TinyDataset.paint(Files.createDirectory(folder.resolve("data")), 3);
    }

    private TrainOptions.Builder options(String output) {
        return dataset.options(folder.resolve(output)).template(TEMPLATE).epochs(2);
    }

    private static List<Double> train(TrainOptions.Builder options, long last) {
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
        return recorder.losses();
    }

    private static List<Double> train(TrainOptions.Builder options) {
        return train(options, Long.MAX_VALUE);
    }

    private void assertEqual(String output) {
        assertThat(folder.resolve(output + "/checkpoints/epoch-1.safetensors"))
                .hasSameBinaryContentAs(folder.resolve("a/checkpoints/epoch-1.safetensors"));
    }

    static Stream<Arguments> ways() {
        return Stream.of(
                way("again", options -> options),
                way("read ahead", options -> options.workers(2)),
                way("kept", options -> options.cacheEncodings(true)),
                way("computed twice", options -> options.gradientCheckpointing(true)));
    }

    private static Arguments way(String name, UnaryOperator<TrainOptions.Builder> change) {
        return Arguments.of(name, change);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("ways")
    void aSeedGivesTheSameHoweverItIsComputed(String name, UnaryOperator<TrainOptions.Builder> change) {
        List<Double> first = train(options("a"));
        assertThat(train(change.apply(options("b")))).as(name).hasSize(6).isEqualTo(first);
        assertEqual("b");
    }

    @ParameterizedTest
    @EnumSource(OnBadRow.class)
    void aDataProcessorThatDrawsForLaterRowsAloneIsSeeded(OnBadRow onBadRow) {
        System.setProperty(ABOVE, "0.3"); // the first row has less
        try {
            List<Double> first = train(options("a"));
            assertThat(train(options("b").workers(2).onBadRow(onBadRow))).isEqualTo(first);
            assertEqual("b");
        } finally {
            System.clearProperty(ABOVE);
        }
    }

    @Test
    void anotherSeedDrawsOtherNumbersAndEachStepItsOwn() {
        assertThat(train(options("a"))).isNotEqualTo(train(options("b").seed(2L)));
    }

    @Test
    void aRunThatGoesOnDrawsAsOneThatWasNeverStopped() {
        List<Double> whole = train(options("a"));
        List<Double> parts = new ArrayList<>(train(options("b"), 2));
        parts.addAll(train(options("b").resume(true)));
        assertThat(parts).isEqualTo(whole);
        assertEqual("b");
    }

    /// The Template processes a row whose image has a side that is not a multiple of 16.
    @Test
    void theCheckOfARowLeavesTheGeneratorOfTheProcessAsItWas() throws IOException {
        Path template = Files.createDirectory(folder.resolve("template"));
        Files.writeString(
                template.resolve("Model.java"),
                Files.readString(TEMPLATE.resolve("Model.java"))
                        .replace(
                                "public record Input(double scale) {}",
                                "public record Input(double scale, io.stencil.image.RgbImage map) {}")
                        .replace(
                                "Optional.of(row -> row.scale() > above ? new Input(row.scale() + drawn()) : new Input(row.scale()))",
                                "Optional.of(row -> new Input(row.scale() + drawn(), io.stencil.image.RgbImage.filled(new io.stencil.image.ImageSize(17, 16), 0)))")
                        .replace(
                                "new Input(inputs.scale() + drawn())",
                                "new Input(inputs.scale() + drawn(), inputs.map())"));
        TrainOptions options = options("a").template(template).build();
        try (Scope _ = new Scope();
                TrainModels models = TrainModels.load(options.models());
                TorchGenerator process = TorchGenerator.ofProcess()) {
            Tensor before = process.state();
            assertThat(TrainingData.check(Dataset.read(options.data()), models)).isTrue();
            assertSame("state", process.state(), before);
        }
    }

    @Test
    void twoStagesDrawAsOne() {
        train(options("a"));
        Path cache = folder.resolve("cache");
        TrainOptions.Builder encoding = dataset.options(cache)
                .template(TEMPLATE)
                .task(Task.SFT_DATA_PROCESS)
                .workers(2);
        assertThat(new DatasetEncoder().run(encoding.build(), EncodingListener.NONE))
                .isTrue();
        train(TinyDataset.options(TinyTraining.base(), cache, new CacheFolder(cache).index(), folder.resolve("b"))
                .template(TEMPLATE)
                .task(Task.SFT_TRAIN)
                .epochs(2));
        assertEqual("b");
    }
}
