package io.stencil.service;

import java.time.Duration;

/// Receives the times of all jobs of an [ImageService], for metrics. Methods are called on threads of their own,
/// several at a time.
public interface JobTimings {

    /// @param time of a job in the queue, from its submission to its start
    void waited(Duration time);

    /// @param time from one denoising step to the next, or from the start of the job to the first
    void stepped(Duration time);

    /// @param time of a job that had started, from its start to its end, however it ended
    void ended(Duration time);
}
