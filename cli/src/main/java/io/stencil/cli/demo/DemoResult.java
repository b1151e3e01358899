package io.stencil.cli.demo;

import java.util.List;

/// What the demo measured.
///
/// @param validationBefore loss on held-out pictures before training
/// @param validationAfter the same after it
/// @param validationSamples number of losses that each is the mean of
/// @param training the losses on the way
/// @param effects pictures without the Template, then with it from the least scale to the greatest
public record DemoResult(
        double validationBefore,
        double validationAfter,
        int validationSamples,
        TrainingRecord training,
        List<Effect> effects) {

    public DemoResult {
        effects = List.copyOf(effects);
    }
}
