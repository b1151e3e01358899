package io.stencil.cli.demo;

import io.stencil.evaluate.Measure;

/// What the demo measured.
///
/// @param validationBefore loss on held-out pictures before training
/// @param validationAfter the same after it
/// @param validationSamples number of losses that each is the mean of
/// @param training the losses on the way
/// @param guided what the Template does to pictures made with guidance
/// @param free the same without guidance
public record DemoResult(
        double validationBefore,
        double validationAfter,
        int validationSamples,
        TrainingRecord training,
        Measure.Outcome guided,
        Measure.Outcome free) {

    /// The correlation of scale and brightness, with guidance.
    public double correlation() {
        return guided.figures().getFirst().value();
    }
}
