package io.stencil.train.log;

/// What a training run is about to do.
///
/// @param steps of all epochs together
/// @param rows of the dataset, before they are repeated
/// @param trainableTensors that are trained
/// @param trainableParameters numbers in them
/// @param seed of timesteps, noise and data order
/// @param doneSteps of an earlier process, which the run goes on after
public record TrainingStart(
        long steps, int rows, int trainableTensors, long trainableParameters, long seed, long doneSteps) {}
