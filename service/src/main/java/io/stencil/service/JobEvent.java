package io.stencil.service;

import io.stencil.error.StencilException;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.GeneratedImage;
import java.util.List;
import java.util.Optional;

/// An event of a [GenerationJob]. A job has, in this order: [Queued] once for each place in the queue, [Started],
/// a [Step] for each denoising step, and one of [Done], [Failed] and [Cancelled], which is the last. A job may end
/// before it starts.
public sealed interface JobEvent {

    /// Whether no event follows this one.
    default boolean isLast() {
        return switch (this) {
            case Queued _, Started _, Step _ -> false;
            case Done _, Failed _, Cancelled _ -> true;
        };
    }

    /// The job waits.
    ///
    /// @param place from 1, which is the next to start
    record Queued(int place) implements JobEvent {}

    /// A worker has taken the job.
    record Started() implements JobEvent {}

    /// A denoising step is done.
    ///
    /// @param step from 1 to `of`
    /// @param of number of steps of the job: those of one image where all images are denoised together, more where
    ///     memory has no room for that
    /// @param first index of the first image that the step is one of
    /// @param previews of that image and the following ones, small; empty where none are requested
    record Step(int step, int of, int first, List<RgbImage> previews) implements JobEvent {
        public Step {
            previews = List.copyOf(previews);
        }

        /// The preview of image `first`.
        public Optional<RgbImage> preview() {
            return previews.stream().findFirst();
        }

        Step withoutPreviews() {
            return new Step(step, of, first, List.of());
        }
    }

    /// All images are complete.
    ///
    /// @param images as many as requested, in the order of their seeds
    record Done(List<GeneratedImage> images) implements JobEvent {
        public Done {
            images = List.copyOf(images);
        }
    }

    /// The job has failed. A fault of the request is an [io.stencil.error.InvalidRequestException].
    record Failed(StencilException fault) implements JobEvent {}

    /// The job was cancelled before its images were complete.
    record Cancelled() implements JobEvent {}
}
