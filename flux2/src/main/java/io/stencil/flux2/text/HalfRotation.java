package io.stencil.flux2.text;

import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// Rotary positions (Su et al. 2021, arXiv:2104.09864) that turn element j together with element j + Dh/2.
///
/// @param cos float32 `[S, 1, Dh/2]`
/// @param sin float32 `[S, 1, Dh/2]`
record HalfRotation(Tensor cos, Tensor sin) {

    /// The tables of positions `0 .. tokens - 1`: the angle of pair j is `position * theta^(-2j/Dh)`.
    static HalfRotation of(int tokens, int headDim, double theta, Device device) {
        int pairs = headDim / 2;
        float[] cos = new float[tokens * pairs];
        float[] sin = new float[tokens * pairs];
        for (int position = 0; position < tokens; position++) {
            for (int j = 0; j < pairs; j++) {
                double angle = position * Math.pow(theta, -2.0 * j / headDim);
                cos[position * pairs + j] = (float) Math.cos(angle);
                sin[position * pairs + j] = (float) Math.sin(angle);
            }
        }
        return new HalfRotation(
                device.place(Tensors.of(cos, tokens, 1, pairs)), device.place(Tensors.of(sin, tokens, 1, pairs)));
    }

    /// Turns in float32.
    ///
    /// @param x `[B, S, H, Dh]`
    /// @return the shape and dtype of `x`
    Tensor rotate(Tensor x) {
        List<Tensor> halves = Ops.chunk(DType.FLOAT32.cast(x), 2, -1);
        Tensor a = halves.get(0);
        Tensor b = halves.get(1);
        Tensor turned = Ops.cat(-1, a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin)));
        return DType.of(x).cast(turned);
    }
}
