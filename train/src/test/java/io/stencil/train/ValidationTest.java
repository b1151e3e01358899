package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.distributed.ProcessGroup;
import io.stencil.distributed.Threads;
import io.stencil.error.InvalidRequestException;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.testing.TestFiles;
import io.stencil.train.DatasetEncoder.EncodingListener;
import io.stencil.train.checkpoint.SavedState;
import io.stencil.train.encodings.CacheFolder;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.RunEnd;
import io.stencil.train.events.TrainingListener.StepReport;
import io.stencil.train.options.DataOptions.OnBadRow;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.options.ValidationOptions.KeepBest;
import io.stencil.train.validation.BestValidation;
import io.stencil.train.validation.ValidationReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Held-out rows are measured beside a training that does not notice it.
class ValidationTest {

    @TempDir
    static Path shared;

    @SuppressWarnings("NullAway.Init")
    private static TinyDataset dataset;

    @SuppressWarnings("NullAway.Init")
    private static TinyDataset measured;

    @SuppressWarnings("NullAway.Init")
    private static Flux2Pipeline pipeline;

    @SuppressWarnings("NullAway.Init")
    private static LoadedTemplate<?, ?> template;

    @TempDir
    Path folder;

    @BeforeAll
    static void paint() throws IOException {
        dataset = TinyDataset.paint(Files.createDirectory(shared.resolve("data")), 6);
        measured = TinyDataset.paint(Files.createDirectory(shared.resolve("measured")), 3);
        pipeline = TinyTraining.pipeline();
        template = TinyTraining.template(pipeline);
    }

    @AfterAll
    static void close() {
        template.close();
        pipeline.close();
    }

    /// Measures the Template as it is.
    private static ValidationReport measure(TrainOptions.Builder options) {
        return timeless(Validator.measure(options.build(), pipeline, template, TrainingListener.NONE));
    }

    private TrainOptions.Builder plain(String output) {
        return dataset.options(folder.resolve(output)).maxSteps(4);
    }

    private TrainOptions.Builder validated(String output) {
        return plain(output)
                .set("validation_metadata_path", measured.folder().resolve("metadata.jsonl"))
                .set("validation_steps", 2);
    }

    private static Recorder train(TrainOptions.Builder options) {
        Recorder recorder = new Recorder();
        new Trainer().run(options.build(), recorder);
        return recorder;
    }

    /// A report without the time that it took.
    private static ValidationReport timeless(ValidationReport report) {
        return new ValidationReport(
                report.step(),
                report.rows(),
                report.weights(),
                report.average(),
                report.gain(),
                report.bestStep(),
                report.bestLoss(),
                0);
    }

    private static List<ValidationReport> reports(Recorder recorder) {
        return recorder.validations.stream().map(ValidationTest::timeless).toList();
    }

    /// With an average, rows read ahead, encodings kept, a part of an update done and a Template that draws.
    @ParameterizedTest
    @ValueSource(strings = {"draws", ""})
    void trainingDoesNotNoticeIt(String template) {
        Recorder without = train(demanding(plain("without"), template));
        Recorder with = train(demanding(validated("with"), template).set("keep_best", KeepBest.VALIDATION));

        assertThat(with.losses()).hasSize(4).isEqualTo(without.losses());
        assertThat(folder.resolve("with/checkpoints/step-4.safetensors"))
                .hasSameBinaryContentAs(folder.resolve("without/checkpoints/step-4.safetensors"));
        assertThat(with.validations.stream().map(ValidationReport::step)).containsExactly(0L, 2L, 4L);
        assertThat(without.validations).isEmpty();
    }

    private static TrainOptions.Builder demanding(TrainOptions.Builder options, String template) {
        if (!template.isEmpty()) {
            options.template(TestFiles.root().resolve("train/src/test/resources/templates/" + template));
        }
        return options.emaDecay(0.9)
                .workers(template.isEmpty() ? 1 : 0)
                .captionDropout(0.5)
                .cacheEncodings(!template.isEmpty())
                .gradientAccumulationSteps(3);
    }

    /// The loss falls on the rows, the average lags behind, and the bands make the mean.
    @Test
    void itReportsLossesBandsAndGain() {
        Recorder recorder = train(validated("run").emaDecay(0.9).learningRate(1e-2));
        ValidationReport first = recorder.validations.getFirst();
        ValidationReport last = recorder.validations.getLast();

        assertThat(first.rows()).isEqualTo(3);
        assertThat(first.average()).isEqualTo(first.weights());
        assertThat(Objects.requireNonNull(last.average()).mean())
                .isNotEqualTo(last.weights().mean());
        assertThat(last.weights().mean()).isNotEqualTo(first.weights().mean());
        assertThat(last.weights().bands()).hasSize(4).doesNotHaveDuplicates();
        assertThat(last.weights().bands().stream()
                        .mapToDouble(Double::doubleValue)
                        .average())
                .hasValue(last.weights().mean());
        assertThat(Objects.requireNonNull(last.gain()).rows()).isEqualTo(3);
        assertThat(last.bestLoss())
                .isEqualTo(recorder.validations.stream()
                        .mapToDouble(ValidationReport::loss)
                        .min()
                        .orElseThrow());
    }

    /// Noise and timesteps follow from the content of the row: neither its place nor its neighbours matter.
    @Test
    void rowsInAnotherOrderHaveTheSameNumbers() throws IOException {
        Path other = TinyDataset.paint(Files.createDirectory(folder.resolve("other")), 3)
                .folder()
                .resolve("metadata.jsonl");
        List<String> lines = new ArrayList<>(Files.readAllLines(other));
        Collections.reverse(lines);
        Files.write(other, lines);

        assertThat(measure(validated("unused").set("validation_metadata_path", other)))
                .isEqualTo(measure(validated("unused")));
    }

    @Test
    void aSplitHoldsOutTheSameRowsWhenOthersAreAdded() throws IOException {
        Set<String> heldOut = heldOut(dataset);
        TinyDataset more = TinyDataset.paint(Files.createDirectory(folder.resolve("more")), 6);
        Path metadata = more.folder().resolve("metadata.jsonl");
        List<String> lines = new ArrayList<>(Files.readAllLines(metadata));
        lines.addFirst(lines.getFirst().replace("a wall", "another wall"));
        Collections.reverse(lines);
        Files.write(metadata, lines);

        assertThat(heldOut).hasSizeBetween(1, 5);
        Set<String> now = heldOut(more);
        now.removeIf(line -> line.contains("another"));
        assertThat(now).isEqualTo(heldOut);
    }

    private static Set<String> heldOut(TinyDataset of) throws IOException {
        TrainOptions options = of.options(shared.resolve("unused"))
                .set("validation_split", 0.4)
                .build();
        List<String> lines = Files.readAllLines(of.folder().resolve("metadata.jsonl"));
        SkippedRows skipping = new SkippedRows(new ProcessGroup.SingleProcess(), 0, _ -> {});
        TrainingData usable =
                TrainingData.read(options).usable(options, new TrainModels(pipeline, template), null, skipping);
        TrainingData heldOut = Objects.requireNonNull(usable.heldOut());
        assertThat(usable.dataset().rows().size() + heldOut.dataset().rows().size())
                .isEqualTo(lines.size());
        return usable.dataset().heldOut().stream().map(lines::get).collect(Collectors.toSet());
    }

    @Test
    void heldOutRowsAreNotTrainedOn() {
        Recorder recorder =
                train(plain("run").set("validation_split", 0.4).maxSteps(null).epochs(1));
        ValidationReport report = recorder.validations.getFirst();

        assertThat(recorder.steps).hasSize(6 - report.rows());
        assertThat(recorder.validations.stream().map(ValidationReport::step))
                .containsExactly(0L, (long) recorder.steps.size());
    }

    @Test
    void aShareWithoutRowsIsRefused() {
        assertThatThrownBy(() -> train(plain("run").set("validation_split", 1e-9)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'validation_split': 1.0E-9 holds out none of the 6 rows, which are chosen by a hash of "
                        + "their content; give another share, or name the rows to measure by "
                        + "--validation_metadata_path");
    }

    /// Also with a row that was held out and is damaged now: it stays held out.
    @Test
    void aResumedRunGoesOnWithItsCurve() {
        Recorder whole = train(plain("whole").set("validation_split", 0.4).set("validation_steps", 1));
        Recorder begun = new Recorder();
        Trainer trainer = new Trainer();
        TrainingListener stopper = new TrainingListener() {
            @Override
            public void onStep(StepReport report) {
                if (report.step() == 2) {
                    trainer.requestStop();
                }
            }
        };
        TrainOptions.Builder options = plain("run").set("validation_split", 0.4).set("validation_steps", 1);
        trainer.run(options.build(), TrainingListener.all(List.of(begun, stopper)));
        Recorder resumed = train(options.resume(true));

        List<ValidationReport> both = new ArrayList<>(reports(begun));
        both.addAll(reports(resumed));
        assertThat(both).hasSize(5).isEqualTo(reports(whole));
        assertThat(folder.resolve("run/checkpoints/step-4.safetensors"))
                .hasSameBinaryContentAs(folder.resolve("whole/checkpoints/step-4.safetensors"));
    }

    /// Both between updates and in the midst of one, where the run goes on from an earlier step.
    @ParameterizedTest
    @CsvSource({"1, 2", "2, 3"})
    void aFailureInAValidationIsMadeUp(int accumulation, long failing) throws IOException {
        Recorder whole = train(counted("whole", accumulation));
        Recorder begun = new Recorder() {
            @Override
            public void onValidation(ValidationReport report) {
                if (report.step() == failing) {
                    throw new IllegalStateException("no memory");
                }
                super.onValidation(report);
            }
        };
        assertThatThrownBy(() -> new Trainer().run(counted("run", accumulation).build(), begun))
                .hasMessage("no memory");
        assertThat(begun.savedAtFailure).containsExactly(2L);
        Recorder resumed = train(counted("run", accumulation).resume(true));

        List<ValidationReport> both = new ArrayList<>(reports(begun));
        both.addAll(reports(resumed));
        assertThat(both).hasSize(5).isEqualTo(reports(whole));
        assertThat(progress("run")).isEqualTo(progress("whole"));
        for (String file : List.of("best.safetensors", "step-4.safetensors")) {
            assertThat(folder.resolve("run/checkpoints").resolve(file))
                    .hasSameBinaryContentAs(folder.resolve("whole/checkpoints").resolve(file));
        }
    }

    /// The validation of an end that is none at an interval does not count, once the run goes on: at this rate the
    /// loss only rises.
    @Test
    void anExtendedRunCountsAsOneOfThatLength() {
        UnaryOperator<TrainOptions.Builder> rising =
                options -> options.learningRate(0.5).set("early_stop", 3).set("keep_best", KeepBest.VALIDATION);
        Recorder whole = train(rising.apply(validated("whole")));
        Recorder begun = train(rising.apply(validated("run").maxSteps(3)));
        Recorder more = train(rising.apply(validated("run").resume(true)));

        assertThat(begun.validations.stream().map(ValidationReport::step)).containsExactly(0L, 2L, 3L);
        assertThat(more.validations.stream().map(ValidationReport::step)).containsExactly(4L);
        assertThat(reports(more).getLast()).isEqualTo(reports(whole).getLast());
        assertThat(progress("run")).isEqualTo(progress("whole"));
        assertThat(progress("run").since()).isEqualTo(2);
    }

    @Test
    void theBestWeightsAreOneOfTheFilesOfARun() {
        Recorder recorder = new Recorder();
        TrainingResult result =
                new Trainer().run(counted("run", 1).learningRate(1e-3).build(), recorder);

        assertThat(recorder.checkpoints.stream().filter("best.safetensors"::equals))
                .hasSizeGreaterThan(1);
        assertThat(result.checkpoints())
                .containsExactly(
                        folder.resolve("run/checkpoints/best.safetensors"),
                        folder.resolve("run/checkpoints/step-4.safetensors"));
    }

    private TrainOptions.Builder counted(String output, int accumulation) {
        return validated(output)
                .set("validation_steps", 1)
                .set("keep_best", KeepBest.VALIDATION)
                .set("early_stop", 5)
                .learningRate(1e-2)
                .gradientAccumulationSteps(accumulation);
    }

    private BestValidation progress(String output) {
        return SavedState.read(folder.resolve(output).resolve("checkpoints/step-4.state"))
                .progress()
                .validation();
    }

    @Test
    void twoStagesMeasureWhatOneDoes() {
        assertThat(new DatasetEncoder()
                        .run(
                                dataset.options(folder.resolve("cache"))
                                        .task(Task.SFT_DATA_PROCESS)
                                        .build(),
                                EncodingListener.NONE))
                .isTrue();
        Path cache = folder.resolve("cache");
        TrainOptions.Builder stored = TinyDataset.options(
                        TinyTraining.base(), cache, new CacheFolder(cache).index(), folder.resolve("two"))
                .task(Task.SFT_TRAIN)
                .maxSteps(4);
        Recorder one = train(plain("one").set("validation_split", 0.4));
        Recorder two = train(stored.set("validation_split", 0.4));

        assertThat(reports(two)).hasSize(2).isEqualTo(reports(one));
        assertThat(two.losses()).isEqualTo(one.losses());
    }

    /// Rows that were encoded apart from those of the training.
    @Test
    void encodedRowsAreMeasuredAsImages() {
        Path cache = folder.resolve("cache");
        new DatasetEncoder()
                .run(measured.options(cache).task(Task.SFT_DATA_PROCESS).build(), EncodingListener.NONE);
        TrainOptions.Builder stored = TinyDataset.options(
                        TinyTraining.base(), cache, new CacheFolder(cache).index(), folder.resolve("unused"))
                .task(Task.SFT_TRAIN)
                .set("validation_base_path", cache);

        assertThat(measure(stored)).isEqualTo(measure(validated("unused")));
    }

    /// The ranks train on other batches than one process, so that only the first validation has the same weights.
    @Test
    void twoProcessesMeasureWhatOneDoes() throws IOException {
        Recorder first = new Recorder();
        Threads.run(Threads.environments(2), environment -> {
                    new Trainer(environment)
                            .run(
                                    validated("two").maxSteps(1).build(),
                                    environment.rank() == 0 ? first : TrainingListener.NONE);
                    return 0;
                })
                .forEach(one -> assertThat(one.join()).isZero());
        Recorder alone = train(validated("one").batchSize(2).maxSteps(1));

        assertThat(reports(first).getFirst()).isEqualTo(reports(alone).getFirst());
        assertThat(first.validations.getLast().loss())
                .isCloseTo(alone.validations.getLast().loss(), Offset.offset(1e-4));
    }

    /// A rate at which the loss only rises.
    @Test
    void aRunThatDoesNotImproveEndsAndKeepsItsBest() throws IOException {
        TrainOptions.Builder options = validated("run")
                .learningRate(0.5)
                .maxSteps(20)
                .set("validation_steps", 1)
                .set("early_stop", 2)
                .set("keep_best", KeepBest.VALIDATION)
                .keptCheckpoints(1)
                .saveSteps(1);
        Recorder recorder = train(options);
        ValidationReport last = recorder.validations.getLast();

        assertThat(last.step() - last.bestStep()).isEqualTo(2);
        assertThat(last.loss()).isGreaterThan(last.bestLoss());
        assertThat(Objects.requireNonNull(recorder.end).reason()).isEqualTo(RunEnd.Reason.EARLY_STOP);
        assertThat(recorder.steps).hasSize(Math.toIntExact(last.step())).hasSizeLessThan(20);
        assertThat(recorder.checkpoints)
                .contains("best.safetensors")
                .last()
                .isEqualTo("step-" + last.step() + ".safetensors");

        ValidationReport best = Validator.measure(
                options.set("resume_from_checkpoint", folder.resolve("run/checkpoints/best.safetensors"))
                        .build(),
                TrainingListener.NONE);
        assertThat(best.step()).isEqualTo(last.bestStep());
        assertThat(best.loss()).isEqualTo(last.bestLoss());

        Recorder resumed = train(options.set("resume_from_checkpoint", null).resume(true));
        assertThat(resumed.steps).isEmpty();
        assertThat(Objects.requireNonNull(resumed.end).reason()).isEqualTo(RunEnd.Reason.EARLY_STOP);
    }

    @Test
    void modelsOutOfMemoryAndInFloat8AreMeasuredToo() {
        Set<ModelRole> all = Set.of(ModelRole.TRANSFORMER, ModelRole.TEXT_ENCODER, ModelRole.VAE);
        LoadOptions float8 = TinyTraining.FLOAT32.withFloat8(Set.of(ModelRole.TRANSFORMER));
        ValidationReport whole = measured(TinyTraining.FLOAT32);

        assertThat(measured(TinyTraining.FLOAT32.withOffload(all))).isEqualTo(whole);
        assertThat(measured(float8).loss()).isNotEqualTo(whole.loss()).isCloseTo(whole.loss(), Offset.offset(0.05));
    }

    private ValidationReport measured(LoadOptions load) {
        return timeless(Validator.measure(validated("unused").load(load).build(), TrainingListener.NONE));
    }

    @Test
    void aBadRowToMeasureIsRefusedOrSkipped() throws IOException {
        TinyDataset bad = TinyDataset.paint(Files.createDirectory(folder.resolve("bad")), 3);
        Files.write(bad.folder().resolve("1.png"), new byte[] {1, 2, 3});
        TrainOptions.Builder options =
                validated("run").set("validation_metadata_path", bad.folder().resolve("metadata.jsonl"));

        assertThatThrownBy(() -> train(options))
                .hasMessageContaining("metadata.jsonl:2")
                .hasMessageContaining("1.png");
        assertThat(measure(options.onBadRow(OnBadRow.SKIP)).rows()).isEqualTo(2);
    }

    @Test
    void optionsThatMeasureNothingAreRefused() {
        assertThatThrownBy(() -> plain("run").set("validation_steps", 5).build())
                .hasMessage("'validation_steps': needs rows to measure: give --validation_split or "
                        + "--validation_metadata_path");
        assertThatThrownBy(() -> validated("run").set("validation_split", 0.5).build())
                .hasMessage("'validation_metadata_path': is given, and --validation_split too: give one of them");
        assertThatThrownBy(() -> validated("run").task(Task.SFT_TRAIN).build())
                .hasMessageStartingWith("'validation_metadata_path': has no part in --task sft:train");
    }
}
