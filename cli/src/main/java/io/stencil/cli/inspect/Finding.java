package io.stencil.cli.inspect;

import io.stencil.safetensors.TensorEntry;
import java.nio.file.Path;
import java.util.List;

/// What one file or folder turned out to be.
///
/// @param place the file or folder
/// @param kind what it is, in a few words
/// @param facts more about it, in the order to show
/// @param tensors those that it holds; empty for what holds none
public record Finding(Path place, String kind, List<Fact> facts, List<TensorEntry> tensors) {

    /// A named fact, ready to be shown.
    public record Fact(String name, String value) {}

    public Finding {
        facts = List.copyOf(facts);
        tensors = List.copyOf(tensors);
    }

    static Finding of(Path place, String kind, Fact... facts) {
        return new Finding(place, kind, List.of(facts), List.of());
    }
}
