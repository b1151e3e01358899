package io.stencil.cli.train;

import io.stencil.train.log.StepReport;
import io.stencil.train.log.TrainingListener;
import io.stencil.train.log.TrainingStart;

/// Knows what a training loses when its process ends at once. Safe to ask from any thread.
public final class UnsavedSteps implements TrainingListener {

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
    public String text() {
        String stays = saved == 0 ? "nothing was saved yet" : "step-%s.state stays".formatted(saved);
        return switch (Math.toIntExact(Math.min(step - saved, 2))) {
            case 0 -> "the present step is lost; " + stays;
            case 1 -> "step %s is lost; %s".formatted(step, stays);
            default -> "steps %s to %s are lost; %s".formatted(saved + 1, step, stays);
        };
    }
}
