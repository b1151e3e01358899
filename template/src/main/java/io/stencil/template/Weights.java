package io.stencil.template;

import io.stencil.error.InvalidRequestException;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.stream.Stream;

/// The source of a Template's weights: random numbers, one file, or several files with disjoint tensors.
///
/// ```java
/// Weights.parts(Weights.file("encoder.safetensors").inModule("encoder"), Weights.fileOrRandom("head.safetensors", 0))
/// ```
public sealed interface Weights {

    /// The files that the weights are read from; empty for [Random].
    List<Part> parts();

    /// No file: parameters begin as their initializers say, from this seed.
    record Random(long seed) implements Weights {
        @Override
        public List<Part> parts() {
            return List.of();
        }
    }

    /// One file of tensors, or the shards that `PATH.index.json` lists in its place.
    ///
    /// @param path relative to the Template's folder
    /// @param seed of the random weights that stand for the file until it exists; empty where it must exist
    /// @param module name of the submodule that the names in the file are relative to; empty for the whole network
    record Part(String path, OptionalLong seed, String module) implements Weights {
        public Part {
            Objects.requireNonNull(path, "path");
            Objects.requireNonNull(seed, "seed");
            Objects.requireNonNull(module, "module");
            if (path.isBlank()) {
                throw new InvalidRequestException("weights", "name a file, or ask for random weights");
            }
        }

        /// The same file with names relative to a submodule, as a pretrained network of its own has them: `proj.weight`
        /// in the file is `encoder.proj.weight` of the Template for `inModule("encoder")`.
        public Part inModule(String name) {
            return new Part(path, seed, name);
        }

        @Override
        public List<Part> parts() {
            return List.of(this);
        }
    }

    /// Several files, each with tensors of its own.
    record Parts(List<Part> parts) implements Weights {
        public Parts {
            parts = List.copyOf(parts);
            if (parts.isEmpty()) {
                throw new InvalidRequestException("weights", "name a file, or ask for random weights");
            }
        }
    }

    /// One file, or several with disjoint tensors of one set of weights, which have their full names.
    static Weights files(String... paths) {
        return new Parts(Stream.of(paths).map(Weights::file).toList());
    }

    /// Several files with disjoint tensors. Tensors that no file holds belong to the [#fileOrRandom] part whose file
    /// does not exist yet, and begin at random.
    static Weights parts(Part... parts) {
        return new Parts(List.of(parts));
    }

    /// One file, which must exist.
    static Part file(String path) {
        return new Part(path, OptionalLong.empty(), "");
    }

    /// Random weights, for training from scratch.
    static Weights random(long seed) {
        return new Random(seed);
    }

    /// The file once it exists, random weights until then: one source serves training from scratch and later use.
    static Part fileOrRandom(String path, long seed) {
        return new Part(path, OptionalLong.of(seed), "");
    }
}
