package io.stencil.train;

import java.util.SplittableRandom;

/// Which samples go without their prompt. It has random numbers of its own, so that the noise of a seed stays the same.
final class CaptionDropout {

    private final double share;
    private final SplittableRandom random;
    private long draws;

    /// @param share of the samples, 0 to 1; nothing is drawn for 0
    CaptionDropout(double share, long seed) {
        this.share = share;
        this.random = new SplittableRandom(seed);
    }

    /// Whether the next sample loses its prompt.
    boolean next() {
        if (share == 0) {
            return false;
        }
        draws++;
        return random.nextDouble() < share;
    }

    /// How often was drawn.
    long draws() {
        return draws;
    }

    /// Goes on after so many more draws: the generator does not tell its state, and a draw takes nanoseconds.
    void skip(long count) {
        for (long i = 0; i < count; i++) {
            next();
        }
    }
}
