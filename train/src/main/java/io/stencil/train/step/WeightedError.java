package io.stencil.train.step;

import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Computes the squared error of a batch, of which samples and tokens count unequally.
final class WeightedError {

    private WeightedError() {}

    /// Computes the mean over the batch of each sample's mean squared error, times its factor: the weight of its
    /// timestep, and that of its row.
    ///
    /// Of a sample with a mask `m` the error is `sum(m e) / sum(m)` over its tokens, where `e` is the squared error
    /// of a token, its mean over the channels.
    ///
    /// @param velocity `[B, S, C]`, differentiable
    /// @param target the same in float32
    /// @param factors of the samples
    /// @param masks float32 `[1, S, 1]` of each sample, not zero everywhere; null counts all tokens alike
    /// @return one number
    static Tensor mean(Tensor velocity, Tensor target, double[] factors, List<@Nullable Tensor> masks) {
        boolean isMasked = masks.stream().anyMatch(Objects::nonNull);
        if (!isMasked && Arrays.stream(factors).allMatch(factor -> factor == factors[0])) {
            return Ops.mul(Ops.meanSquaredError(velocity, target), factors[0]);
        }
        Tensor root = isMasked ? roots(target, factors, masks) : roots(target, factors);
        return Ops.meanSquaredError(DType.FLOAT32.cast(velocity).mul(root), target.mul(root));
    }

    /// @return `[B, 1, 1]`
    private static Tensor roots(Tensor target, double[] factors) {
        float[] roots = new float[factors.length];
        for (int i = 0; i < roots.length; i++) {
            roots[i] = (float) Math.sqrt(factors[i]);
        }
        return Device.of(target).place(Tensors.of(roots, roots.length, 1, 1));
    }

    /// @return `[B, S, 1]`
    private static Tensor roots(Tensor target, double[] factors, List<@Nullable Tensor> masks) {
        long tokens = target.size(1);
        List<Tensor> roots = new ArrayList<>();
        for (int i = 0; i < factors.length; i++) {
            Tensor mask = masks.get(i);
            Tensor shares = mask == null
                    ? Tensors.full(1, DType.FLOAT32, Device.of(target), 1, tokens, 1)
                    : Ops.mul(mask.div(mask.sum()), (double) tokens);
            roots.add(Ops.mul(shares, factors[i]).sqrt());
        }
        return Ops.cat(0, roots);
    }
}
