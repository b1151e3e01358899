package io.stencil.train;

import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;

/// Holds the random number generators of a run: one for timesteps and noise, one for caption dropout, and that of the
/// process, from which libtorch's operations draw where they are given none.
///
/// Caption dropout has random numbers of its own, so that the noise of a seed stays the same.
final class Generators implements AutoCloseable {

    private final long seed;
    private final TorchGenerator noise;
    private final double captionDropout;
    private final SplittableRandom captions;
    private long captionDraws;

    /// @param captionDropout share of the samples that lose their prompt, 0 to 1; nothing is drawn for 0
    Generators(long seed, double captionDropout) {
        this.seed = seed;
        this.noise = new TorchGenerator(seed);
        this.captionDropout = captionDropout;
        this.captions = new SplittableRandom(seed);
    }

    long seed() {
        return seed;
    }

    /// The generator of timesteps and noise, which stays this object's.
    TorchGenerator noise() {
        return noise;
    }

    /// Draws whether the next sample loses its prompt.
    boolean dropCaption() {
        if (captionDropout == 0) {
            return false;
        }
        captionDraws++;
        return captions.nextDouble() < captionDropout;
    }

    /// Draws for samples that other processes work on.
    void skipCaptions(long count) {
        for (long i = 0; i < count; i++) {
            dropCaption();
        }
    }

    /// Holds the generators' states at one moment.
    ///
    /// @param noise state of the generator of timesteps and noise
    /// @param process state of the generator of the process
    record State(OwnedTensor noise, OwnedTensor process) implements AutoCloseable {

        @Override
        public void close() {
            noise.close();
            process.close();
        }
    }

    /// Counts the decisions of caption dropout so far.
    long captionDraws() {
        return captionDraws;
    }

    /// Captures the states of now. The caller closes the result.
    State capture() {
        try (Scope _ = new Scope();
                TorchGenerator process = TorchGenerator.ofProcess()) {
            return new State(new OwnedTensor(noise.state()), new OwnedTensor(process.state()));
        }
    }

    /// Runs `work`, and puts the generators of noise and of the process back to where they were.
    <T> T withoutDraws(Supplier<T> work) {
        try (State before = capture()) {
            try {
                return work.get();
            } finally {
                restore(before.noise().get(), before.process().get());
            }
        }
    }

    /// Restores states into new generators.
    ///
    /// @param noiseState state of the generator of timesteps and noise
    /// @param processState state of the generator of the process
    /// @param draws decisions of caption dropout so far: Java's generator has no state to read, and a draw takes
    ///     nanoseconds
    void restore(Tensor noiseState, Tensor processState, long draws) {
        restore(noiseState, processState);
        skipCaptions(draws);
    }

    private void restore(Tensor noiseState, Tensor processState) {
        noise.restore(noiseState);
        try (TorchGenerator process = TorchGenerator.ofProcess()) {
            process.restore(processState);
        }
    }

    @Override
    public void close() {
        noise.close();
    }
}
