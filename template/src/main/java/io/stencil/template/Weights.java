package io.stencil.template;

import io.stencil.error.InvalidRequestException;
import java.util.List;

/// The source of a Template's weights.
public sealed interface Weights {

    /// Safetensors files of one set of weights, relative to the Template's folder.
    record Files(List<String> paths) implements Weights {
        public Files {
            paths = List.copyOf(paths);
            if (paths.isEmpty()) {
                throw new InvalidRequestException("weights", "name a file, or ask for random weights");
            }
        }
    }

    /// No file: parameters begin as their initializers say, from this seed.
    record Random(long seed) implements Weights {}

    /// The file once it is there, random weights until then: one source serves training from scratch and later use.
    record FileOrRandom(String path, long seed) implements Weights {}

    /// One file, or the shards of one set of weights.
    static Weights files(String... paths) {
        return new Files(List.of(paths));
    }

    /// Random weights, for training from scratch.
    static Weights random(long seed) {
        return new Random(seed);
    }

    /// The file once it is there, random weights until then.
    static Weights fileOrRandom(String path, long seed) {
        return new FileOrRandom(path, seed);
    }
}
