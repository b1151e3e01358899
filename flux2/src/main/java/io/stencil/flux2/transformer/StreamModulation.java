package io.stencil.flux2.transformer;

import io.stencil.tensor.Ops;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// Modulation of both sub-blocks of one stream in a double-stream block.
record StreamModulation(Modulation attention, Modulation mlp) {

    /// @param chunks `[B, 1, 6D]`: the attention's set, then the MLP's
    static StreamModulation of(Tensor chunks, double eps) {
        List<Tensor> sets = Ops.chunk(chunks, 2, -1);
        return new StreamModulation(Modulation.of(sets.get(0), eps), Modulation.of(sets.get(1), eps));
    }
}
