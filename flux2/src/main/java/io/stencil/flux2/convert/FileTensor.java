package io.stencil.flux2.convert;

import io.stencil.safetensors.StoredType;
import io.stencil.safetensors.TensorWriter;
import java.util.List;

/// Tensor of a file to write; its bytes are made when it is its turn.
record FileTensor(String name, StoredType type, List<Long> shape, TensorWriter.Bytes bytes) {

    FileTensor {
        shape = List.copyOf(shape);
    }

    long byteSize() {
        return type.byteSize(shape);
    }

    FileTensor withName(String other) {
        return new FileTensor(other, type, shape, bytes);
    }
}
