package io.stencil.nn;

import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import org.bytedeco.pytorch.Tensor;

/// A table of vectors, one for each token id.
///
/// A table that is still in its file stays there: only the requested rows are read.
public final class Embedding extends Module {

    private final Parameter weight;

    public Embedding(long count, long size) {
        weight = parameter("weight", Initializer.normal(1), count, size);
    }

    /// @param ids int64 [B, S]
    /// @param dtype of the result
    /// @return [B, S, size]
    public Tensor forward(Tensor ids, DType dtype) {
        try (OpenPass _ = openLayer()) {
            return dtype.cast(weight.rows(ids));
        }
    }

    /// Where its vectors come to lie.
    public Device device() {
        return weight.device();
    }
}
