package io.stencil.train.log;

/// One training step: one sample through the models.
///
/// @param step from 1
/// @param steps of the whole run
/// @param epoch from 0
/// @param loss of this sample
/// @param learningRate of the update that the sample counts towards
/// @param seconds since training began
public record StepReport(long step, long steps, int epoch, double loss, double learningRate, double seconds) {}
