package io.stencil.service;

import io.stencil.image.RgbImage;
import io.stencil.pipeline.GeneratedImage;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The jobs of a service by their id: all that wait or run, and the latest that have ended, within bounds of number,
/// memory and time.
final class KeptJobs {

    /// @param bytes memory of the images of job and request
    private record Ended(GenerationJob job, long bytes, Instant time) {}

    private final ServiceSettings.Limits limits;
    private final Map<String, GenerationJob> jobs = new LinkedHashMap<>();
    private final ArrayDeque<Ended> ended = new ArrayDeque<>();
    private long bytes;

    KeptJobs(ServiceSettings.Limits limits) {
        this.limits = limits;
    }

    synchronized void add(GenerationJob job) {
        jobs.put(job.id(), job);
    }

    /// Counts a job as ended, and removes the eldest of these beyond the bounds.
    ///
    /// @param images that the job made
    synchronized void end(GenerationJob job, List<GeneratedImage> images) {
        Ended last = new Ended(
                job,
                job.request().imageBytes()
                        + job.previewBytes()
                        + images.stream().mapToLong(KeptJobs::bytes).sum(),
                Instant.now());
        ended.addLast(last);
        bytes += last.bytes();
        evict();
    }

    private static long bytes(GeneratedImage image) {
        RgbImage pixels = image.image();
        long latents = 128L * image.latents().height() * image.latents().width() * Float.BYTES;
        return pixels.rgb().length + latents;
    }

    private void evict() {
        Instant oldest = Instant.now().minus(limits.keptTime());
        while (!ended.isEmpty()
                && (ended.size() > limits.keptJobs()
                        || bytes > limits.keptBytes()
                        || ended.getFirst().time().isBefore(oldest))) {
            Ended first = ended.removeFirst();
            bytes -= first.bytes();
            jobs.remove(first.job().id());
        }
    }

    synchronized Optional<GenerationJob> get(String id) {
        evict();
        return Optional.ofNullable(jobs.get(id));
    }

    /// In the order of their submission.
    synchronized List<GenerationJob> all() {
        evict();
        return List.copyOf(jobs.values());
    }
}
