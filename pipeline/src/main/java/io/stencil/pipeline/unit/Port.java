package io.stencil.pipeline.unit;

/// A named, typed value that units hand to each other.
///
/// @param name unique among ports
/// @param type of the value
public record Port<T>(String name, Class<T> type) {

    @Override
    public String toString() {
        return name;
    }
}
