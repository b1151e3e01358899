package io.stencil.lab.demo;

import io.stencil.train.log.StepReport;

/// Is told how the demo goes on.
public interface DemoListener {

    /// A stage begins.
    void onStage(String title);

    /// A training step is done.
    void onStep(StepReport report);
}
