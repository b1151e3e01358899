package io.stencil.lab.demo;

import io.stencil.train.log.StepReport;
import io.stencil.train.log.TrainingListener;
import io.stencil.train.log.TrainingStart;
import java.util.ArrayList;
import java.util.List;

/// What a training told while it ran.
public final class TrainingRecord implements TrainingListener {

    private final DemoListener listener;
    private final List<Double> losses = new ArrayList<>();
    private long parameters;
    private double seconds;

    TrainingRecord(DemoListener listener) {
        this.listener = listener;
    }

    @Override
    public void onStart(TrainingStart start) {
        parameters = start.trainableParameters();
    }

    @Override
    public void onStep(StepReport report) {
        losses.add(report.loss());
        seconds = report.seconds();
        listener.onStep(report);
    }

    /// The loss of each step.
    List<Double> losses() {
        return List.copyOf(losses);
    }

    /// Numbers that were trained.
    long parameters() {
        return parameters;
    }

    /// Time of all steps.
    double seconds() {
        return seconds;
    }
}
