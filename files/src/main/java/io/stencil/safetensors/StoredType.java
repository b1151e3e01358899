package io.stencil.safetensors;

import java.util.List;

/// Type of the elements of a stored tensor: a dtype of safetensors, or another format's blocks of quantized values.
public interface StoredType {

    /// Returns the name of this type in its format, such as `BF16` or `Q4_K`.
    String formatName();

    /// Computes the bytes of a tensor of `shape`; 0 when a dimension is 0, one element when `shape` is empty.
    ///
    /// @throws io.stencil.error.InvalidRequestException when the size does not fit in a long, or the elements do not
    ///     fill whole bytes or whole blocks
    long byteSize(List<Long> shape);
}
