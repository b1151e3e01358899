package io.stencil.safetensors;

import io.stencil.error.InvalidRequestException;
import java.util.List;

/// Describes a tensor to write, without its bytes.
///
/// @param shape dimensions, outermost first, none negative; empty for a scalar
public record TensorSpec(String name, SafetensorsDtype dtype, List<Long> shape) {

    public TensorSpec {
        shape = List.copyOf(shape);
        for (long dimension : shape) {
            if (dimension < 0) {
                throw new InvalidRequestException("shape", "tensor '" + name + "' has a negative dimension: " + shape);
            }
        }
    }

    /// Computes the bytes that the tensor takes in a file.
    ///
    /// @throws InvalidRequestException when the size does not fit in a long, or packed elements do not fill whole bytes
    public long byteSize() {
        return dtype.byteSize(shape);
    }
}
