package io.stencil.train;

import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;

/// The random number generators of a run at one moment.
///
/// @param noise generator of timesteps and noise
/// @param process generator that libtorch's operations draw from where they are given none
/// @param captionDraws decisions of caption dropout so far
record RandomState(OwnedTensor noise, OwnedTensor process, long captionDraws) implements AutoCloseable {

    /// Captures the generators of now. The caller closes the result.
    static RandomState capture(Objective objective) {
        try (Scope _ = new Scope();
                TorchGenerator process = TorchGenerator.ofProcess()) {
            Objective.Randomness own = objective.randomness();
            return new RandomState(new OwnedTensor(own.noise()), new OwnedTensor(process.state()), own.captionDraws());
        }
    }

    @Override
    public void close() {
        noise.close();
        process.close();
    }
}
