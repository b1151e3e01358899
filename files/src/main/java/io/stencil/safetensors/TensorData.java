package io.stencil.safetensors;

import java.lang.foreign.MemorySegment;
import java.util.List;

/// A tensor to write.
///
/// @param shape dimensions, outermost first; empty for a scalar
/// @param bytes the elements, row major and little endian, exactly as many as shape and dtype say; stays the caller's
public record TensorData(String name, SafetensorsDtype dtype, List<Long> shape, MemorySegment bytes) {

    public TensorData {
        shape = List.copyOf(shape);
    }

    public TensorSpec spec() {
        return new TensorSpec(name, dtype, shape);
    }
}
