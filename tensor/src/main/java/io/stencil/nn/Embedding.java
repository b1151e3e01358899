package io.stencil.nn;

import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import org.bytedeco.pytorch.Tensor;

/// A table of vectors, one for each token id.
public final class Embedding extends Module {

    private final Parameter weight;

    public Embedding(long count, long size) {
        weight = parameter("weight", Initializer.normal(1), count, size);
    }

    /// @param ids int64 [B, S]
    /// @param dtype of the result
    /// @return [B, S, size]
    public Tensor forward(Tensor ids, DType dtype) {
        return dtype.cast(Ops.embedding(weight.get(), ids));
    }
}
