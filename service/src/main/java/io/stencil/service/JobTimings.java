package io.stencil.service;

import io.stencil.error.Arguments;
import java.time.Duration;
import java.util.function.Consumer;

/// Receivers of the times of all jobs of an [ImageService], for metrics. They are called on threads of their own,
/// several at a time.
///
/// @param waited gets the time of a job in the queue, from its submission to its start
/// @param stepped gets the time from one denoising step to the next, or from the start of the job to the first
/// @param ended gets the time of a job that had started, from its start to its end, however it ended
public record JobTimings(Consumer<Duration> waited, Consumer<Duration> stepped, Consumer<Duration> ended) {

    /// @throws io.stencil.error.InvalidRequestException when one is null
    public JobTimings {
        Arguments.require("waited", waited);
        Arguments.require("stepped", stepped);
        Arguments.require("ended", ended);
    }
}
