package io.stencil.flux2.transformer;

import io.stencil.tensor.Ops;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// Keys and values of L tokens that a block attends to beside its own.
///
/// @param k `[B, L, H, Dh]`, attended to as it is, without normalisation or rotation
/// @param v the shape of `k`
public record KeyValue(Tensor k, Tensor v) {

    /// Joins along the tokens, in order.
    static KeyValue join(List<KeyValue> parts) {
        return new KeyValue(
                Ops.cat(1, parts.stream().map(KeyValue::k).toList()),
                Ops.cat(1, parts.stream().map(KeyValue::v).toList()));
    }

    /// The same tokens for every sample of a batch, where there is one; no memory is taken.
    KeyValue expandTo(long batch) {
        return k.size(0) == batch ? this : new KeyValue(expand(k, batch), expand(v, batch));
    }

    private static Tensor expand(Tensor x, long batch) {
        return x.expand(batch, x.size(1), x.size(2), x.size(3));
    }
}
