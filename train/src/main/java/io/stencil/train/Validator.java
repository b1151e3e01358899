package io.stencil.train;

import io.stencil.distributed.ProcessGroup;
import io.stencil.error.InvalidRequestException;
import io.stencil.nn.LoraBinding;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.safetensors.SafetensorsHeader;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.train.HeldOutMeasurement.Measured;
import io.stencil.train.checkpoint.TrainableParts;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.Stage;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.validation.ValidationReport;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// Measures weights on held-out rows outside a run, with the numbers that the run itself has for them.
///
/// ```java
/// ValidationReport report = Validator.measure(options, TrainingListener.NONE);
/// ```
public final class Validator {

    private Validator() {}

    /// Loads the models of a run, with the weights of `--resume_from_checkpoint` and the LoRA of `--lora_checkpoint`
    /// where they are given, and measures them.
    ///
    /// @param options those of the run; the seed decides noise and timesteps, 0 where none is given
    /// @param listener receives warnings and the progress of [Stage#VALIDATION]
    /// @return with the step of the checkpoint, 0 where it names none
    /// @throws io.stencil.error.StencilException for all that cannot be used
    public static ValidationReport measure(TrainOptions options, TrainingListener listener) {
        TrainingData data = read(options);
        try (TrainModels models = TrainModels.load(options.models())) {
            return measure(options, data, models, listener);
        }
    }

    /// The same with models that are in memory already. They stay the caller's, and get the weights of the checkpoint.
    ///
    /// @param template null when no Template takes part
    public static ValidationReport measure(
            TrainOptions options,
            Flux2Pipeline pipeline,
            @Nullable LoadedTemplate<?, ?> template,
            TrainingListener listener) {
        return measure(options, read(options), new TrainModels(pipeline, template), listener);
    }

    private static TrainingData read(TrainOptions options) {
        if (!options.validation().isOn()) {
            throw new InvalidRequestException(
                    "validation_metadata_path",
                    "is missing: name the rows to measure, or a share of the dataset's rows by --validation_split");
        }
        TrainingData data = TrainingData.read(options);
        data.checkHeads(options);
        return data;
    }

    private static ValidationReport measure(
            TrainOptions options, TrainingData unchecked, TrainModels models, TrainingListener listener) {
        long began = System.nanoTime();
        ProcessGroup alone = new ProcessGroup.SingleProcess();
        SkippedRows skipping = new SkippedRows(alone, options.data().workers(), listener::onWarning);
        TrainingData data = unchecked.usable(options, models, null, skipping);
        long seed = Objects.requireNonNullElse(options.optimisation().seed(), 0L);
        TrainingData heldOut = Objects.requireNonNull(data.heldOut());
        try (TrainableParts parts = Trainer.select(options, models, seed);
                LoraBinding _ = parts.bindLora();
                HeldOutMeasurement measurement = Validation.measurement(options, heldOut, models, seed, false, alone)) {
            Trainer.initialise(parts, options.output());
            int total = measurement.parts();
            AtomicInteger done = new AtomicInteger();
            Measured measured =
                    measurement.measure(() -> listener.onStage(Stage.VALIDATION, done.incrementAndGet(), total));
            Path checkpoint = options.output().resumeFrom();
            long step = step(checkpoint == null ? options.lora().checkpoint() : checkpoint);
            return new ValidationReport(
                    step,
                    measurement.rows(),
                    measured.loss(),
                    null,
                    measured.gain(),
                    step,
                    measured.loss().mean(),
                    (System.nanoTime() - began) / 1e9);
        }
    }

    private static long step(@Nullable Path checkpoint) {
        String step = checkpoint == null
                ? ""
                : SafetensorsHeader.read(checkpoint).metadata().getOrDefault("step", "");
        return step.matches("\\d{1,18}") ? Long.parseLong(step) : 0;
    }
}
