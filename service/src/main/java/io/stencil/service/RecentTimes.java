package io.stencil.service;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;

/// Times of the latest jobs, and estimates from them.
final class RecentTimes {

    private static final int KEPT = 32;
    private static final Duration SHORTEST = Duration.ofSeconds(1);
    private static final Duration LONGEST = Duration.ofHours(1);

    /// @param work as [Plan#work] counts it
    private record Sample(double seconds, double steps, double work) {}

    private final ArrayDeque<Sample> samples = new ArrayDeque<>();

    /// Adds a job whose images are complete.
    synchronized void add(Duration time, Plan plan) {
        samples.addLast(new Sample(seconds(time), plan.steps(), plan.work()));
        if (samples.size() > KEPT) {
            samples.removeFirst();
        }
    }

    synchronized OptionalDouble secondsPerStep() {
        return samples.isEmpty()
                ? OptionalDouble.empty()
                : OptionalDouble.of(sum(Sample::seconds) / sum(Sample::steps));
    }

    synchronized OptionalDouble secondsPerJob() {
        return samples.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(sum(Sample::seconds) / samples.size());
    }

    private double sum(ToDoubleFunction<Sample> value) {
        return samples.stream().mapToDouble(value).sum();
    }

    /// A job that a worker is at.
    ///
    /// @param step number of steps done
    /// @param steps of the job; 0 before the first is done
    record Progress(Duration elapsed, int step, int steps, Plan plan) {}

    /// Estimates when the first of the running jobs ends and its worker takes one from the queue: by its own pace
    /// once it has done a step, before by that of the latest jobs.
    ///
    /// @return whole seconds, from 1 to 3600
    synchronized Duration untilFree(List<Progress> running) {
        double least = running.stream().mapToDouble(this::left).min().orElse(0);
        Duration time = Duration.ofSeconds((long) Math.ceil(Math.min(least, seconds(LONGEST))));
        return time.compareTo(SHORTEST) < 0 ? SHORTEST : time;
    }

    private double left(Progress job) {
        double elapsed = seconds(job.elapsed());
        if (job.step() > 0) {
            return elapsed * (job.steps() - job.step()) / job.step();
        }
        double pace = samples.isEmpty() ? 0 : sum(Sample::seconds) / sum(Sample::work);
        return Math.max(0, pace * job.plan().work() - elapsed);
    }

    private static double seconds(Duration time) {
        return time.toNanos() / 1e9;
    }
}
