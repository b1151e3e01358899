package io.stencil.train;

import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.StepReport;
import io.stencil.train.events.TrainingListener.TrainingStart;
import io.stencil.train.validation.ValidationReport;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Records the events of a run.
class Recorder implements TrainingListener {

    @Nullable
    TrainingStart start;

    final List<StepReport> steps = new ArrayList<>();
    final List<String> checkpoints = new ArrayList<>();
    final List<Long> savedAtFailure = new ArrayList<>();
    final List<ValidationReport> validations = new ArrayList<>();
    final List<SamplesReport> samples = new ArrayList<>();
    final List<String> warnings = new ArrayList<>();

    @Nullable
    RunEnd end;

    @Override
    public void onStart(TrainingStart started) {
        start = started;
    }

    @Override
    public void onStep(StepReport report) {
        steps.add(report);
    }

    @Override
    public void onCheckpoint(Path file, long step) {
        checkpoints.add(String.valueOf(file.getFileName()));
    }

    @Override
    public void onFailure(Path folder, long savedSteps) {
        savedAtFailure.add(savedSteps);
    }

    @Override
    public void onValidation(ValidationReport report) {
        validations.add(report);
    }

    @Override
    public void onSamples(SamplesReport report) {
        samples.add(report);
    }

    @Override
    public void onEnd(RunEnd ended) {
        end = ended;
    }

    @Override
    public void onWarning(String message) {
        warnings.add(message);
    }

    List<Double> losses() {
        return steps.stream().map(StepReport::loss).toList();
    }
}
