package io.stencil.train;

import io.stencil.distributed.GradientReducer;
import io.stencil.distributed.ProcessEnvironment;
import io.stencil.distributed.ProcessGroup;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.files.FolderLock;
import io.stencil.image.ImageSize;
import io.stencil.nn.LoraBinding;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.tensor.ComputeDType;
import io.stencil.tensor.DType;
import io.stencil.train.checkpoint.RunFolder;
import io.stencil.train.checkpoint.RunLength;
import io.stencil.train.checkpoint.RunOptions;
import io.stencil.train.checkpoint.SavedState;
import io.stencil.train.checkpoint.TrainableParts;
import io.stencil.train.checkpoint.TrainedLora;
import io.stencil.train.checkpoint.TrainedTensors;
import io.stencil.train.data.BatchSampler;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.encodings.CacheFolder;
import io.stencil.train.events.RunLogs;
import io.stencil.train.events.StepAction;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.Stage;
import io.stencil.train.options.OptimisationOptions;
import io.stencil.train.options.OutputOptions;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.options.TrainingArguments;
import io.stencil.train.samples.Sampler;
import java.io.IOException;
import java.nio.file.Files;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Trains by [TrainOptions]. One trainer serves one run.
///
/// ```java
/// TrainingResult result = new Trainer().run(options, TrainingListener.NONE);
/// ```
public final class Trainer {

    private final ProcessEnvironment environment;
    private volatile boolean stopped;

    /// Trains alone, or in the process group that the environment variables name.
    ///
    /// @throws InvalidRequestException when they name a part of it alone, or contradict each other
    public Trainer() {
        this(ProcessEnvironment.of(System.getenv()));
    }

    /// Trains with other processes, each with a trainer and the same options.
    public Trainer(ProcessEnvironment environment) {
        this.environment = environment;
    }

    /// Requests that the run end after the present step. It saves `step-N.safetensors` and
    /// `step-N.state`, which has the gradients of an update that is half done, and returns. Safe to call from any
    /// thread, also before the run.
    public void requestStop() {
        stopped = true;
    }

    /// Validates dataset and output folder before models are fetched or loaded. Writes nothing.
    ///
    /// @throws io.stencil.error.StencilException when one of them cannot be used
    public static void check(TrainOptions options) {
        TrainingData data = TrainingData.read(options);
        Sampler.check(options, data.dataset());
        OutputOptions output = options.output();
        if (options.task() == Task.SFT_DATA_PROCESS) {
            new CacheFolder(output.folder()).requireEmptyOrCache();
        } else if (!output.resume() && Files.isDirectory(output.folder())) {
            new RunFolder(output.folder()).requireFresh();
        }
    }

    /// Checks options, data and models, then trains.
    ///
    /// @return counts and checkpoints of the run; see [TrainingResult#interrupted]
    /// @throws io.stencil.error.StencilException for all that cannot be used; before the first step where it can be
    ///     known then
    public TrainingResult run(TrainOptions options, TrainingListener listener) {
        return inGroup(options, listener, (data, group, listenerOfFirst) -> {
            listenerOfFirst.onStage(Stage.LOADING, 0, 0);
            try (TrainModels models = TrainModels.load(options.models())) {
                TrainModels.distillationWarning(options.models().base()).ifPresent(listenerOfFirst::onWarning);
                return train(options, models, data, group, listenerOfFirst);
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
        TrainModels models = new TrainModels(pipeline, template);
        return inGroup(
                options,
                listener,
                (data, group, listenerOfFirst) -> train(options, models, data, group, listenerOfFirst));
    }

    private interface GroupWork {
        TrainingResult run(TrainingData data, ProcessGroup group, TrainingListener listenerOfFirst);
    }

    /// Checks what can be checked alone, then joins the process group. The first process alone reports.
    private TrainingResult inGroup(TrainOptions options, TrainingListener listener, GroupWork work) {
        TrainingData data = TrainingData.read(options);
        data.checkHeads(options);
        prepareFolder(options.output());
        try (ProcessGroup group =
                ProcessGroup.join(environment, options.models().load().device())) {
            try (@Nullable FolderLock _ = group.isFirst() ? hold(options.output(), listener) : null) {
                TrainingResult result = work.run(data, group, group.isFirst() ? listener : TrainingListener.NONE);
                group.agree(0); // nobody leaves before the last checkpoint is written
                return result;
            } catch (RuntimeException | Error e) {
                group.fail(e);
                throw e;
            }
        }
    }

    /// Sets up a run in one of its processes, then trains.
    private TrainingResult train(
            TrainOptions options,
            TrainModels models,
            TrainingData unchecked,
            ProcessGroup group,
            TrainingListener listener) {
        RunFolder folder = new RunFolder(options.output().folder());
        @Nullable SavedState saved = options.output().resume() ? newestState(folder, group, listener) : null;
        long seed = group.agree(seed(options.optimisation(), saved));
        RunOptions record = RunOptions.of(
                options, seed, group.size(), models.pipeline().models().compute());
        if (saved != null) {
            record.requireSameAs(saved.options(), folder.folder());
        }
        SkippedRows skipping = new SkippedRows(group, options.data().workers(), listener::onWarning);
        TrainingData data = unchecked.usable(options, models, saved, skipping);
        BatchSampler batches = data.batches(options, seed, group);
        if (saved != null) {
            RunLength begun = saved.options().length(batches.epochLength());
            record.length(batches.epochLength())
                    .requireExtends(begun, saved.progress().step());
            data.requireUnchanged(saved, group, listener::onWarning);
        }
        long done = saved == null ? 0 : saved.progress().step();
        @Nullable
        Sampler sampler = options.sampling().isEnabled() && group.isFirst()
                ? Sampler.of(
                        options,
                        data.heldOut() == null ? data.dataset() : data.heldOut().dataset(),
                        data.dataset(),
                        models.pipeline(),
                        models.template(),
                        listener::onWarning)
                : null;
        try (TrainableParts parts = prepare(options, models, seed, group, record);
                LoraBinding _ = parts.bindLora();
                Generators generators = new Generators(seed, options.objective().captionDropout());
                Objective objective = options.task() == Task.VAE
                        ? new ReconstructionObjective(
                                options, generators, data, models.pipeline().models(), parts, group)
                        : new FlowMatchingObjective(options, generators, data, models, listener::onWarning);
                DataParallel parallel =
                        new DataParallel(group, parts, options.optimisation().findUnusedParameters());
                TrainState state = new TrainState(parts, options.optimisation(), generators)) {
            if (saved != null) {
                state.restore(saved);
            }
            if (group.isFirst()) { // after all checks: a run that is refused leaves the earlier options
                TrainingArguments.write(options, seed);
            }
            Checkpoints.StateWriter states = (progress, tensors) -> {
                SavedState.write(
                        folder.state(progress.step()),
                        progress,
                        record,
                        data.record(progress.step(), batches),
                        tensors);
                folder.removeOld(options.output().keptCheckpoints());
            };
            try (@Nullable RunLogs logs = group.isFirst() ? new RunLogs(options, seed, done, listener) : null) {
                TrainingListener all = logs == null ? listener : logs.listener();
                Checkpoints checkpoints = new Checkpoints(options, state, objective, parallel, states, all);
                try (@Nullable Validation validation = Validation.of(options, data, models, state, group, all)) {
                    List<StepAction> actions = new ArrayList<>();
                    if (validation != null) {
                        actions.add(validation);
                    }
                    if (sampler != null) {
                        actions.add(new SampleAction(options.sampling(), sampler, state, () -> stopped, all));
                    }
                    return new TrainLoop(options.optimisation(), state, objective, batches, parallel, checkpoints)
                            .run(example(batches, models), exampleSize(batches, data), actions, all, () -> stopped);
                }
            }
        }
    }

    /// A row with what a generation takes: without its Template inputs where a data processor makes others of them.
    private static DatasetRow example(BatchSampler batches, TrainModels models) {
        DatasetRow row = batches.batch(0, 0).getFirst();
        boolean isProcessed = models.template() != null && models.template().hasDataProcessor();
        return isProcessed ? row.withoutInputs() : row;
    }

    /// The size of the example's image; null for encoded samples.
    private static @Nullable ImageSize exampleSize(BatchSampler batches, TrainingData data) {
        DatasetRow row = batches.batch(0, 0).getFirst();
        return data.cached() == null ? data.dataset().sizes(row).getFirst() : null;
    }

    /// The first process removes the leftovers of a killed one; the others look after it.
    private static SavedState newestState(RunFolder folder, ProcessGroup group, TrainingListener listener) {
        @Nullable SavedState own = group.isFirst() ? folder.newestState(listener::onWarning) : null;
        group.agree(0);
        SavedState state = own == null ? folder.newestState(listener::onWarning) : own;
        group.requireAlike("resume", Long.toString(state.progress().step()));
        return state;
    }

    private static long seed(OptimisationOptions optimisation, @Nullable SavedState saved) {
        if (optimisation.seed() != null) {
            return optimisation.seed();
        }
        return saved == null
                ? new SecureRandom().nextInt(Integer.MAX_VALUE)
                : saved.progress().seed();
    }

    /// Selects what is trained and gives it the weights that the run begins with.
    private static TrainableParts prepare(
            TrainOptions options, TrainModels models, long seed, ProcessGroup group, RunOptions record) {
        TrainableParts parts = select(options, models, seed);
        try {
            initialise(parts, options.output());
            synchronise(group, parts, record, models.pipeline().models().compute());
            return parts;
        } catch (RuntimeException | Error e) {
            parts.close();
            throw e;
        }
    }

    /// @param seed of the run, which a LoRA's beginning follows from
    static TrainableParts select(TrainOptions options, TrainModels models, long seed) {
        ModelSet base = models.pipeline().models();
        List<String> names = options.models().trainable();
        if (options.task() == Task.VAE) {
            return TrainableParts.selectVae(names, base.requireVae());
        }
        TrainableParts parts = TrainableParts.select(names, models.pipeline(), models.template());
        return options.lora().isTrained() ? parts.with(TrainedLora.create(options.lora(), base, seed)) : parts;
    }

    /// Reads the weights of `--resume_from_checkpoint`.
    static void initialise(TrainableParts parts, OutputOptions output) {
        TrainedTensors tensors = new TrainedTensors(parts, output);
        tensors.requirePrefix();
        if (output.resumeFrom() != null && !output.resume()) {
            tensors.read(output.resumeFrom());
        }
    }

    /// Broadcasts the weights of the first process.
    private static void synchronise(ProcessGroup group, TrainableParts parts, RunOptions record, DType compute) {
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
}
