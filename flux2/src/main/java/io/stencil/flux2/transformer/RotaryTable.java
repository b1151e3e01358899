package io.stencil.flux2.transformer;

import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// Rotary position embedding (Su et al. 2021, arXiv:2104.09864) over four id columns: how far every pair of
/// neighbouring channels turns at every token.
///
/// @param turns float32 `[1, S, 1, Dh/2, 2]`, cosine and sine of each angle
record RotaryTable(Tensor turns) {

    /// Angles `id * theta^(-2j/d)` for j = 0 .. d/2 - 1 of every column with its d channels, computed in float64.
    ///
    /// @param ids `[1, S, 4]`
    static RotaryTable of(Tensor ids, TransformerConfig config, Device device) {
        Tensor places = device.place(ids, DType.FLOAT64);
        List<Tensor> angles = new ArrayList<>();
        for (int column = 0; column < TokenIds.COLUMNS; column++) {
            double[] frequencies = frequencies(config.axesDimsRope().get(column), config.ropeTheta());
            Tensor row = device.place(Tensors.of(frequencies, 1, 1, frequencies.length));
            angles.add(places.narrow(2, column, 1).mul(row)); // [1, S, d/2]
        }
        Tensor all = Ops.cat(2, angles).unsqueeze(2);
        return new RotaryTable(DType.FLOAT32.cast(
                Ops.cat(-1, all.cos().unsqueeze(-1), all.sin().unsqueeze(-1))));
    }

    private static double[] frequencies(int channels, double theta) {
        double[] frequencies = new double[channels / 2];
        for (int j = 0; j < frequencies.length; j++) {
            frequencies[j] = Math.pow(theta, -2.0 * j / channels);
        }
        return frequencies;
    }

    /// Turns the pair (a, b) to (a cos - b sin, b cos + a sin), in float32: a product of complex numbers.
    ///
    /// @param x `[B, S, H, Dh]`
    /// @return the shape and dtype of `x`
    Tensor rotate(Tensor x) {
        Tensor pairs = DType.FLOAT32.cast(x).unflatten(-1, x.size(-1) / 2, 2);
        return DType.of(x).cast(Ops.multiplyComplex(pairs, turns).flatten(-2, -1));
    }
}
