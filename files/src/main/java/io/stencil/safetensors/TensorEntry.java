package io.stencil.safetensors;

import java.util.List;

/// Describes one tensor of a file, as the header declares it and checks have confirmed it.
///
/// @param shape dimensions, outermost first; empty for a scalar
/// @param begin offset in the file of the first byte
/// @param end offset in the file behind the last byte; `begin` when a dimension is 0
public record TensorEntry(String name, StoredType dtype, List<Long> shape, long begin, long end) {

    public TensorEntry {
        shape = List.copyOf(shape);
    }

    /// Returns the shape as a new array, for libraries that take one.
    public long[] dims() {
        return shape.stream().mapToLong(Long::longValue).toArray();
    }

    public long elementCount() {
        return SafetensorsDtype.elementCount(shape);
    }

    public long byteSize() {
        return end - begin;
    }
}
