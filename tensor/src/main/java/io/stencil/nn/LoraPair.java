package io.stencil.nn;

import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;

/// A low-rank update of one linear layer (Hu et al. 2021, arXiv:2106.09685): `W x` becomes `W x + B (A x)`.
///
/// @param a [r, in]
/// @param b [out, r]
public record LoraPair(Tensor a, Tensor b) {

    /// The update of an output: `B (A x)`, for x [..., in] gives [..., out], in the dtype of `x`.
    Tensor update(Tensor x) {
        DType dtype = DType.of(x);
        Device device = Device.of(x);
        return Ops.linear(Ops.linear(x, device.place(a, dtype), null), device.place(b, dtype), null);
    }

    /// Why this pair cannot update a layer, or nothing when it can.
    ///
    /// @param weight the shape of the layer's weight, `[out, in]`
    public Optional<String> misfit(long... weight) {
        boolean fits = a.dim() == 2
                && b.dim() == 2
                && a.size(1) == weight[1]
                && b.size(0) == weight[0]
                && a.size(0) == b.size(1);
        return fits
                ? Optional.empty()
                : Optional.of("is a layer of [%d, %d]; lora_A must be [r, %d] and lora_B [%d, r]"
                        .formatted(weight[0], weight[1], weight[1], weight[0]));
    }

    /// Ranks added up: joined along the rank, so that the effect is the sum of both updates.
    public LoraPair join(LoraPair other) {
        return new LoraPair(Ops.cat(0, a, other.a), Ops.cat(1, b, other.b));
    }
}
