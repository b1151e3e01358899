package io.stencil.service;

import java.util.OptionalDouble;

/// The state of an [ImageService] at one moment.
///
/// @param open whether requests are accepted
/// @param queued number of jobs that wait
/// @param capacity largest number of jobs that may wait
/// @param workers number of worker threads, one a device
/// @param running number of jobs that workers are at
/// @param done number of jobs since the start whose images were completed
/// @param failed number of jobs since the start that failed
/// @param cancelled number of jobs since the start that were cancelled
/// @param refused number of requests since the start that found the queue full
/// @param secondsPerStep mean time of a denoising step of one image in the latest jobs, in seconds, all else
///     that a job takes included; empty before the first
/// @param secondsPerJob mean time of the latest jobs from start to end, in seconds; empty before the first
public record ServiceStatus(
        boolean open,
        int queued,
        int capacity,
        int workers,
        int running,
        long done,
        long failed,
        long cancelled,
        long refused,
        OptionalDouble secondsPerStep,
        OptionalDouble secondsPerJob) {}
