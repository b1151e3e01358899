package io.stencil.safetensors;

import java.util.List;

/// One tensor of a file, as its header declares it and as it was found to be sound.
///
/// @param shape dimensions, outermost first; empty for a scalar
/// @param begin offset in the file of the first byte
/// @param end offset in the file behind the last byte; `begin` when a dimension is 0
public record TensorEntry(String name, SafetensorsDtype dtype, List<Long> shape, long begin, long end) {

    public TensorEntry {
        shape = List.copyOf(shape);
    }

    /// The shape as a new array, for libraries that take one.
    public long[] dims() {
        return shape.stream().mapToLong(Long::longValue).toArray();
    }

    public long elementCount() {
        return SafetensorsDtype.elementCount(shape);
    }

    public long byteSize() {
        return end - begin;
    }

    public TensorSpec spec() {
        return new TensorSpec(name, dtype, shape);
    }
}
