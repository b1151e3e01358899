package io.stencil.lab.demo;

import io.stencil.lab.evaluate.Measure;

/// What the demo measured.
///
/// @param validationBefore loss on held-out pictures before training
/// @param validationAfter the same after it
/// @param validationSamples number of losses that each is the mean of
/// @param training the losses on the way
/// @param amplified what the Template does to pictures where guidance amplifies it as it does the caption
/// @param guided the same with the Template on both sides of guidance, which amplifies the caption alone
/// @param free the same without guidance
public record DemoResult(
        double validationBefore,
        double validationAfter,
        int validationSamples,
        TrainingRecord training,
        Measure.Outcome amplified,
        Measure.Outcome guided,
        Measure.Outcome free) {

    /// The correlation of scale and brightness, with the Template on both sides of guidance.
    public double correlation() {
        return guided.metrics().getFirst().value();
    }
}
