package io.stencil.train.step;

import org.bytedeco.pytorch.Tensor;

/// What chance decides in one training step.
///
/// @param timestepIndex of the training schedule, 0 to 999
/// @param noise standard normal, `[1, S, 128]`
public record Draw(int timestepIndex, Tensor noise) {}
