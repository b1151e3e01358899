package io.stencil.train;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.TemplateFolder;
import io.stencil.tensor.TorchGenerator;
import io.stencil.train.data.DataOrder;
import io.stencil.train.data.Dataset;
import io.stencil.train.log.CsvLog;
import io.stencil.train.log.TrainingListener;
import io.stencil.train.optim.AdamW;
import io.stencil.train.options.OutputOptions;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.options.TrainingArguments;
import io.stencil.train.step.NoiseDraws;
import io.stencil.train.step.TrainingStep;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Trains what [TrainOptions] ask for. One trainer serves one run.
///
/// ```java
/// TrainingResult result = new Trainer().run(options, TrainingListener.NONE);
/// ```
public final class Trainer {

    private volatile boolean stopped;

    /// Asks the run to end after the step that is being worked on. It saves `step-N.safetensors` and returns;
    /// gradients of an update that was not complete are dropped. Safe to call from any thread, also before the run.
    public void requestStop() {
        stopped = true;
    }

    /// Checks options, data and models, then trains.
    ///
    /// @return what came of it; see [TrainingResult#interrupted]
    /// @throws io.stencil.error.StencilException for all that cannot be used; before the first step where it can be
    ///     known then
    public TrainingResult run(TrainOptions options, TrainingListener listener) {
        options.requireSupported(System.getenv());
        Dataset dataset = Dataset.read(options.data());
        prepareFolder(options.output());
        try (Flux2Pipeline pipeline = Flux2Pipeline.load(
                        options.models().base(), options.models().load());
                @Nullable
                        LoadedTemplate<?, ?> template =
                                loadTemplate(options.models().template(), pipeline)) {
            DistillationCheck.warning(options.models().base()).ifPresent(listener::onWarning);
            return run(options, dataset, pipeline, template, listener);
        }
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
        options.requireSupported(System.getenv());
        Dataset dataset = Dataset.read(options.data());
        prepareFolder(options.output());
        return run(options, dataset, pipeline, template, listener);
    }

    private TrainingResult run(
            TrainOptions options,
            Dataset dataset,
            Flux2Pipeline pipeline,
            @Nullable LoadedTemplate<?, ?> template,
            TrainingListener listener) {
        if (template != null) {
            dataset.check(template);
        }
        TrainableParts parts = TrainableParts.select(options.models().trainable(), pipeline, template);
        TrainedTensors tensors = new TrainedTensors(parts, options.output().removedPrefix());
        resume(tensors, options.output(), listener);
        TrainingStep step = new TrainingStep(
                pipeline, template, options.optimisation().gradientCheckpointing(), listener::onWarning);
        return train(options, dataset, tensors, step, listener);
    }

    private TrainingResult train(
            TrainOptions options,
            Dataset dataset,
            TrainedTensors tensors,
            TrainingStep step,
            TrainingListener listener) {
        Long given = options.optimisation().seed();
        long seed = given == null ? new SecureRandom().nextInt(Integer.MAX_VALUE) : given;
        OutputOptions output = options.output();
        TrainingArguments.write(options, seed);
        try (TorchGenerator generator = new TorchGenerator(seed);
                @Nullable CsvLog csv = output.csvLog() ? new CsvLog(output.folder()) : null;
                AdamW optimizer = new AdamW(
                        tensors.parts().parameters().values(),
                        AdamW.Settings.withDecay(options.optimisation().weightDecay()))) {
            TrainingListener all = csv == null ? listener : TrainingListener.all(List.of(csv, listener));
            return new TrainingLoop(
                            new TrainingLoop.Workshop(
                                    dataset,
                                    new DataOrder(
                                            dataset.rows().size(),
                                            options.data().repeat(),
                                            options.data().shuffle(),
                                            seed),
                                    step,
                                    NoiseDraws.from(generator),
                                    tensors.parts(),
                                    optimizer,
                                    new CheckpointSeries(tensors, output.folder(), output.saveSteps(), all),
                                    all,
                                    () -> stopped),
                            options.optimisation())
                    .run();
        }
    }

    private static void prepareFolder(OutputOptions output) {
        if (output.resumeFrom() != null && !Files.isRegularFile(output.resumeFrom())) {
            throw new InvalidRequestException(
                    "resume_from_checkpoint", "'%s' is no file".formatted(output.resumeFrom()));
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

    private static @Nullable LoadedTemplate<?, ?> loadTemplate(@Nullable Path folder, Flux2Pipeline pipeline) {
        return folder == null ? null : new TemplateFolder(folder).load(pipeline);
    }

    private static void resume(TrainedTensors tensors, OutputOptions output, TrainingListener listener) {
        if (tensors.prefixMatchesNothing()) {
            listener.onWarning("no trained tensor's name begins with '%s' (remove_prefix_in_ckpt); names stay whole"
                    .formatted(output.removedPrefix()));
        }
        if (output.resumeFrom() != null) {
            tensors.read(output.resumeFrom());
        }
    }
}
