package io.stencil.lab.evaluate;

import io.stencil.error.InvalidRequestException;

/// How much is measured.
///
/// @param seed of the held-out scenes and of the noise
/// @param share of the full number of pictures, above 0 and up to 1
public record Effort(long seed, double share) {

    public Effort {
        if (!(share > 0 && share <= 1)) {
            throw new InvalidRequestException("share", "must be above 0 and at most 1, found " + share);
        }
    }

    /// So many of `full`, `least` at the least.
    public int of(int full, int least) {
        return Math.max(least, (int) Math.round(full * share));
    }
}
