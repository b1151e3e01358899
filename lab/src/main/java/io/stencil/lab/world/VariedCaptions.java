package io.stencil.lab.world;

import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/// The captions of a dataset of the kind `varied`, without its pictures.
public final class VariedCaptions {

    private VariedCaptions() {}

    /// @param seed of the dataset
    /// @param count of its rows
    public static Set<String> of(long seed, int count) {
        return LongStream.range(0, count)
                .mapToObj(index -> VariedSamples.caption(new Draws(seed, index)))
                .collect(Collectors.toUnmodifiableSet());
    }
}
