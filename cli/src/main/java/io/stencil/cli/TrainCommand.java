package io.stencil.cli;

import io.stencil.cli.models.BaseModelOptions;
import io.stencil.cli.models.BaseModelOptions.BaseModel;
import io.stencil.cli.models.HubModels;
import io.stencil.cli.models.HubOptions;
import io.stencil.cli.models.WeightOptions;
import io.stencil.cli.options.DatasetOptions;
import io.stencil.cli.options.TrainingOptions;
import io.stencil.cli.terminal.ProgressLine;
import io.stencil.cli.terminal.StopOnSignal;
import io.stencil.distributed.ProcessEnvironment;
import io.stencil.files.FolderLock;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.train.DatasetEncoder;
import io.stencil.train.DatasetEncoder.EncodingListener;
import io.stencil.train.Trainer;
import io.stencil.train.TrainingResult;
import io.stencil.train.events.ProgressText;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.Stage;
import io.stencil.train.events.TrainingListener.StepReport;
import io.stencil.train.events.TrainingListener.TrainingStart;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// `stencil train`: trains a Template, or a base model, on a dataset.
///
/// Ctrl-C and SIGTERM end it after the step that is being worked on, with checkpoint and state saved and exit code
/// 130; a second one ends it at once.
@Command(
        name = "train",
        description = "Train a Template, a base model, or a part of one, on a dataset.",
        modelTransformer = TrainingOptions.Model.class)
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class TrainCommand implements Callable<Integer> {

    @Mixin
    private BaseModelOptions base;

    @Mixin
    private WeightOptions weights;

    @Mixin
    private HubOptions hub;

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() {
        ProcessEnvironment environment = ProcessEnvironment.of(System.getenv());
        TrainOptions options = options(environment);
        return options.task() == Task.SFT_DATA_PROCESS ? encode(options, environment) : train(options, environment);
    }

    private int encode(TrainOptions options, ProcessEnvironment environment) {
        PrintWriter err = command.commandLine().getErr();
        DatasetEncoder encoder = new DatasetEncoder(environment);
        try (StopOnSignal _ = new StopOnSignal(
                        () -> {
                            encoder.requestStop();
                            err.println();
                            err.println("stopping after this sample; a second Ctrl-C ends at once");
                        },
                        () -> "the present sample is lost; the same command goes on with the rest",
                        err);
                ProgressLine line = ProgressLine.on(err)) {
            boolean complete = encoder.run(options, new EncodingReport(line, err));
            line.end();
            if (!complete) {
                return StopOnSignal.INTERRUPTED;
            }
            PrintWriter out = command.commandLine().getOut();
            out.println("wrote " + options.output().folder());
            out.flush();
            return 0;
        }
    }

    private int train(TrainOptions options, ProcessEnvironment environment) {
        PrintWriter err = command.commandLine().getErr();
        Trainer trainer = new Trainer(environment);
        UnsavedSteps unsaved = new UnsavedSteps();
        try (StopOnSignal _ = new StopOnSignal(
                        () -> {
                            trainer.requestStop();
                            err.println();
                            err.println(
                                    "stopping after this step, then saving; a second Ctrl-C ends at once and saves nothing");
                        },
                        unsaved::text,
                        err);
                ProgressLine line = ProgressLine.on(err)) {
            TrainingReport report = new TrainingReport(options, command, line);
            TrainingResult result;
            try {
                result = trainer.run(options, TrainingListener.all(List.of(unsaved, report)));
            } catch (RuntimeException | Error e) {
                line.abandon();
                throw e;
            }
            line.end();
            if (result.interrupted()) {
                err.println("interrupted after %s steps".formatted(result.steps()));
                return StopOnSignal.INTERRUPTED;
            }
            return 0;
        }
    }

    /// Validates options and local files before fetching.
    private TrainOptions options(ProcessEnvironment environment) {
        TrainingOptions training = new TrainingOptions(command);
        Path output = training.output();
        OutputCheck.requireFolder("output_path", output);
        if (environment.rank() == 0) {
            FolderLock.requireFree(output, training.resumes() ? "resume" : "output_path");
        }
        LoadOptions load = base.load();
        load = load.on(environment.device(load.device()));
        BaseModel here = base.checkLocal();
        TrainOptions local = options(new ModelFiles(List.of(), null), weights.apply(load, here), output)
                .build();
        training.checkLocal();
        Trainer.check(local);
        try (HubModels remote = hub.open()) {
            BaseModel model = base.resolve(remote);
            TrainOptions.Builder options = options(model.files(), weights.apply(load, model), output);
            training.applyModels(options, remote);
            return options.build();
        }
    }

    private TrainOptions.Builder options(ModelFiles files, LoadOptions load, Path output) {
        DatasetOptions dataset = new DatasetOptions(command);
        TrainingOptions training = new TrainingOptions(command);
        Path metadata = dataset.metadata(training.task());
        TrainOptions.Builder options = TrainOptions.builder(files, dataset.folder(metadata), metadata, output);
        training.applyTo(options);
        return options.load(load);
    }

    /// Reports the encoding of a dataset on the terminal.
    private static final class EncodingReport implements EncodingListener {

        private final ProgressLine line;
        private final PrintWriter err;
        private final ProgressText progress = new ProgressText();

        EncodingReport(ProgressLine line, PrintWriter err) {
            this.line = line;
            this.err = err;
        }

        @Override
        public void onStart(int done, int samples) {
            err.println("encoding %s samples%s"
                    .formatted(samples, done == 0 ? "" : ", of which %s are there".formatted(done)));
        }

        @Override
        public void onSample(int done, int samples) {
            line.show(progress.during(Stage.ENCODING, done, samples));
        }

        @Override
        public void onWarning(String message) {
            line.end();
            err.println("stencil: warning: " + message);
        }
    }

    /// Knows what a training loses when its process ends at once. Safe to ask from any thread.
    private static final class UnsavedSteps implements TrainingListener {

        private volatile long step;
        private volatile long saved;

        @Override
        public void onStart(TrainingStart start) {
            saved = start.doneSteps();
            step = start.doneSteps();
        }

        @Override
        public void onStep(StepReport report) {
            step = report.step();
        }

        @Override
        public void onSaved(long savedStep) {
            saved = savedStep;
        }

        /// Such as `steps 11 to 13 are lost; step-10.state stays`.
        String text() {
            String stays = saved == 0 ? "nothing was saved yet" : "step-%s.state stays".formatted(saved);
            return switch (Math.toIntExact(Math.min(step - saved, 2))) {
                case 0 -> "the present step is lost; " + stays;
                case 1 -> "step %s is lost; %s".formatted(step, stays);
                default -> "steps %s to %s are lost; %s".formatted(saved + 1, step, stays);
            };
        }
    }
}
