package io.stencil.train;

import io.stencil.distributed.GradientReducer;
import io.stencil.distributed.ProcessEnvironment;
import io.stencil.distributed.ProcessGroup;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.files.FolderLock;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.TemplateFolder;
import io.stencil.tensor.ComputeDType;
import io.stencil.tensor.DType;
import io.stencil.tensor.ProcessRandom;
import io.stencil.train.data.BatchPlan;
import io.stencil.train.data.DataOrder;
import io.stencil.train.data.Dataset;
import io.stencil.train.log.CsvLog;
import io.stencil.train.log.TrainingListener;
import io.stencil.train.optim.AdamW;
import io.stencil.train.optim.WeightAverage;
import io.stencil.train.options.ModelOptions;
import io.stencil.train.options.OptimisationOptions;
import io.stencil.train.options.OutputOptions;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.options.TrainingArguments;
import io.stencil.train.resume.RunFolder;
import io.stencil.train.resume.RunLength;
import io.stencil.train.resume.RunOptions;
import io.stencil.train.resume.SavedState;
import io.stencil.train.split.CacheFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Trains what [TrainOptions] ask for. One trainer serves one run.
///
/// ```java
/// TrainingResult result = new Trainer().run(options, TrainingListener.NONE);
/// ```
public final class Trainer {

    private final ProcessEnvironment environment;
    private volatile boolean stopped;

    /// Trains alone, or with the processes that the environment variables of this one tell of.
    ///
    /// @throws InvalidRequestException when they tell only a part, or what cannot be
    public Trainer() {
        this(ProcessEnvironment.of(System.getenv()));
    }

    /// Trains with other processes, each with a trainer and the same options.
    public Trainer(ProcessEnvironment environment) {
        this.environment = environment;
    }

    /// Asks the run to end after the step that is being worked on. It saves `step-N.safetensors` and
    /// `step-N.state`, which has the gradients of an update that is half done, and returns. Safe to call from any
    /// thread, also before the run.
    public void requestStop() {
        stopped = true;
    }

    /// Looks, before models are fetched or loaded, at what a run learns from and at the place of what it writes, as
    /// far as no model is needed for it. Writes nothing.
    ///
    /// @throws io.stencil.error.StencilException when one of them cannot be used
    public static void check(TrainOptions options) {
        TrainingData.read(options);
        OutputOptions output = options.output();
        if (options.task() == Task.SFT_DATA_PROCESS) {
            new CacheFolder(output.folder()).requireEmptyOrCache();
        } else if (!output.resume() && Files.isDirectory(output.folder())) {
            new RunFolder(output.folder()).requireFresh();
        }
    }

    /// Checks options, data and models, then trains.
    ///
    /// @return what came of it; see [TrainingResult#interrupted]
    /// @throws io.stencil.error.StencilException for all that cannot be used; before the first step where it can be
    ///     known then
    public TrainingResult run(TrainOptions options, TrainingListener listener) {
        return together(options, listener, (data, group, told) -> {
            try (Flux2Pipeline pipeline = Flux2Pipeline.load(
                            options.models().base(), options.models().load());
                    @Nullable LoadedTemplate<?, ?> template = loadTemplate(options.models(), pipeline)) {
                DistillationCheck.warning(options.models().base()).ifPresent(told::onWarning);
                return run(options, new Company(data, group, told), pipeline, template);
            }
        });
    }

    /// Trains with models that are in memory already, in place of those that the options name. They stay the
    /// caller's, and their trained parts stay trainable and in float32.
    ///
    /// @param template null when no Template takes part
    public TrainingResult run(
            TrainOptions options,
            Flux2Pipeline pipeline,
            @Nullable LoadedTemplate<?, ?> template,
            TrainingListener listener) {
        return together(
                options,
                listener,
                (data, group, told) -> run(options, new Company(data, group, told), pipeline, template));
    }

    /// What a run works on, with whom, and who hears of it.
    private record Company(TrainingData data, ProcessGroup group, TrainingListener listener) {}

    private interface Session {
        TrainingResult train(TrainingData data, ProcessGroup group, TrainingListener listener);
    }

    /// Checks what can be checked alone, then meets the other processes. The first one alone tells what happens.
    private TrainingResult together(TrainOptions options, TrainingListener listener, Session session) {
        options.requireSupported();
        TrainingData data = TrainingData.read(options);
        data.checkHeads(options);
        prepareFolder(options.output());
        try (ProcessGroup group =
                ProcessGroup.join(environment, options.models().load().device())) {
            try (@Nullable FolderLock _ = group.isFirst() ? hold(options.output(), listener) : null) {
                TrainingResult result = session.train(data, group, group.isFirst() ? listener : TrainingListener.NONE);
                group.agree(0); // nobody leaves before the last checkpoint is written
                return result;
            } catch (RuntimeException | Error e) {
                group.fail(e);
                throw e;
            }
        }
    }

    private TrainingResult run(
            TrainOptions options, Company company, Flux2Pipeline pipeline, @Nullable LoadedTemplate<?, ?> template) {
        ProcessGroup group = company.group();
        TrainingListener listener = company.listener();
        RunFolder folder = new RunFolder(options.output().folder());
        @Nullable SavedState saved = options.output().resume() ? newestState(folder, group, listener) : null;
        long seed = group.agree(seed(options.optimisation(), saved));
        RunOptions record =
                RunOptions.of(options, seed, group.size(), pipeline.models().compute());
        if (saved != null) {
            record.requireSameAs(saved);
        }
        SkippedRows skipping = new SkippedRows(group, options.data().workers(), listener::onWarning);
        TrainingData data = company.data().usable(options, pipeline, template, saved, skipping);
        TrainedTensors tensors = new TrainedTensors(
                select(options, pipeline, template),
                options.output().removedPrefix(),
                options.output().saveDtype());
        start(tensors, options.output());
        unite(group, tensors.parts(), record, pipeline.models().compute());
        Run run = new Run(options, seed, data, folder, record, saved, group, listener);
        if (options.task() == Task.VAE) {
            try (ReconstructionObjective objective =
                    new ReconstructionObjective(options, seed, data, pipeline.models(), group)) {
                boolean measures = tensors.parts().changeLatents();
                return train(run, new Work(objective, tensors, measures ? objective::measureLatents : () -> {}));
            }
        }
        try (FlowMatchingObjective objective =
                new FlowMatchingObjective(options, seed, data, pipeline, template, listener::onWarning)) {
            return train(run, new Work(objective, tensors, () -> {}));
        }
    }

    /// The first process removes what a killed one has left; the others look after it.
    private static SavedState newestState(RunFolder folder, ProcessGroup group, TrainingListener listener) {
        @Nullable SavedState own = group.isFirst() ? folder.newestState(listener::onWarning) : null;
        group.agree(0);
        SavedState state = own == null ? folder.newestState(listener::onWarning) : own;
        group.requireAlike("resume", Long.toString(state.progress().step()));
        return state;
    }

    /// All processes go on with the weights of the first.
    private static void unite(ProcessGroup group, TrainableParts parts, RunOptions record, DType compute) {
        if (group.size() == 1) {
            return;
        }
        group.requireAlike(
                "trainable_models", String.join(",", parts.parameters().keySet()));
        group.requireAlike(ComputeDType.VARIABLE, compute.name());
        group.requireAlike("config", record.numbers());
        GradientReducer.replicate(group, parts.parameters());
        GradientReducer.replicate(group, parts.companions());
    }

    private static long seed(OptimisationOptions optimisation, @Nullable SavedState saved) {
        if (optimisation.seed() != null) {
            return optimisation.seed();
        }
        return saved == null
                ? new SecureRandom().nextInt(Integer.MAX_VALUE)
                : saved.progress().seed();
    }

    private static TrainableParts select(
            TrainOptions options, Flux2Pipeline pipeline, @Nullable LoadedTemplate<?, ?> template) {
        return options.task() == Task.VAE
                ? TrainableParts.selectVae(
                        options.models().trainable(), pipeline.models().requireVae())
                : TrainableParts.select(options.models().trainable(), pipeline, template);
    }

    /// What is trained and for what.
    ///
    /// @param beforeSaving done before each checkpoint, with the weights in place that it gets
    private record Work(Objective objective, TrainedTensors tensors, Runnable beforeSaving) {}

    /// What is known before the first step.
    ///
    /// @param record of the options, for the states that are written
    /// @param saved state that the run goes on from, or null
    /// @param group of the processes that train together
    private record Run(
            TrainOptions options,
            long seed,
            TrainingData data,
            RunFolder folder,
            RunOptions record,
            @Nullable SavedState saved,
            ProcessGroup group,
            TrainingListener listener) {}

    private TrainingResult train(Run run, Work work) {
        TrainOptions options = run.options();
        Dataset dataset = run.data().dataset();
        OutputOptions output = options.output();
        long done = run.saved() == null ? 0 : run.saved().progress().step();
        OptimisationOptions optimisation = options.optimisation();
        Collection<Parameter> parameters = work.tensors().parts().parameters().values();
        ProcessGroup group = run.group();
        DataOrder order = new DataOrder(
                dataset.rows().size(), options.data().repeat(), options.data().shuffle(), run.seed());
        BatchPlan batches = run.data().batches(order, Math.multiplyExact(optimisation.batchSize(), group.size()));
        if (run.saved() != null) {
            RunLength begun = run.saved().options().length(batches.epochLength());
            run.record().length(batches.epochLength()).requireExtends(begun, done);
        }
        requireSameData(run);
        if (group.isFirst()) { // not before all checks: a run that is refused keeps its options
            TrainingArguments.write(options, run.seed());
        }
        try (DataParallel parallel =
                        new DataParallel(group, work.tensors().parts(), optimisation.findUnusedParameters());
                @Nullable CsvLog csv = output.csvLog() && group.isFirst() ? new CsvLog(output.folder(), done) : null;
                @Nullable
                        WeightAverage average = optimisation.emaDecay() == null
                                ? null
                                : new WeightAverage(parameters, optimisation.emaDecay());
                AdamW optimizer = new AdamW(parameters, AdamW.Settings.withDecay(optimisation.weightDecay()))) {
            TrainingListener all = csv == null ? run.listener() : TrainingListener.all(List.of(csv, run.listener()));
            RunState state = new RunState(
                    new RunState.Owners(work.tensors().parts(), optimizer, average, work.objective()),
                    run.folder(),
                    output.keptCheckpoints(),
                    run.record(),
                    run.data().cached() == null ? step -> run.data().history().after(step, batches) : null,
                    run.seed());
            Position start = run.saved() == null ? Position.START : state.restore(run.saved());
            return new TrainingLoop(
                            new TrainingLoop.Workshop(
                                    dataset,
                                    batches,
                                    work.objective(),
                                    work.tensors().parts(),
                                    optimizer,
                                    average,
                                    new CheckpointSeries(
                                            new CheckpointSeries.Content(
                                                    work.tensors(), average, work.beforeSaving(), state, parallel),
                                            output,
                                            optimisation.maxSteps() == null,
                                            done,
                                            all),
                                    parallel,
                                    start,
                                    all,
                                    () -> stopped),
                            optimisation)
                    .run();
        }
    }

    private static void requireSameData(Run run) {
        if (run.saved() == null || run.data().cached() != null) {
            return; // the index of encoded samples is compared as the metadata file
        }
        if (run.saved().dataset() == null) {
            run.listener()
                    .onWarning(
                            "the state in '%s' is of an earlier version, which kept no record of images: they are not compared"
                                    .formatted(run.saved().folder()));
        } else {
            run.data().history().requireUnchanged(run.group());
        }
    }

    private static void prepareFolder(OutputOptions output) {
        if (output.resume()) {
            if (!Files.isDirectory(output.folder())) {
                throw new InvalidRequestException("resume", "'%s' is not a directory".formatted(output.folder()));
            }
        } else if (output.resumeFrom() != null && !Files.isRegularFile(output.resumeFrom())) {
            throw new InvalidRequestException(
                    "resume_from_checkpoint", "'%s' is not a file".formatted(output.resumeFrom()));
        }
        try {
            Files.createDirectories(output.folder());
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(output.folder()), "cannot be made the output folder: " + e, e);
        }
        if (!Files.isWritable(output.folder())) {
            throw new InvalidFileException(output.folder(), "cannot be written into; check its rights");
        }
    }

    /// The first process keeps other runs out of the folder, in which no other has left anything.
    private static FolderLock hold(OutputOptions output, TrainingListener listener) {
        FolderLock lock =
                FolderLock.take(output.folder(), output.resume() ? "resume" : "output_path", listener::onWarning);
        try {
            if (!output.resume()) {
                new RunFolder(output.folder()).requireFresh();
            }
            return lock;
        } catch (RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    static @Nullable LoadedTemplate<?, ?> loadTemplate(ModelOptions models, Flux2Pipeline pipeline) {
        Path template = models.template();
        return template == null
                ? null
                : ProcessRandom.seeded(0, () -> new TemplateFolder(template, models.trustedCode()).load(pipeline));
    }

    private static void start(TrainedTensors tensors, OutputOptions output) {
        tensors.requirePrefix();
        if (output.resumeFrom() != null && !output.resume()) {
            tensors.read(output.resumeFrom());
        }
    }
}
