package io.stencil.train.vae;

import io.stencil.distributed.ProcessGroup;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// The noise of a process's part of a batch: the numbers are those that one process would draw for the whole batch, and
/// spread is measured over the whole batch.
///
/// @param generator in the same state in all processes; stays the caller's
/// @param group of the processes; null for a batch that is whole
/// @param before samples of the batch that lie before this part
/// @param after samples of the batch that lie after this part
/// @param counts whether this part is one of the batch, and not taken for want of one
public record BatchNoise(
        TorchGenerator generator, @Nullable ProcessGroup group, int before, int after, boolean counts) {

    static BatchNoise ofWhole(TorchGenerator generator) {
        return new BatchNoise(generator, null, 0, 0, true);
    }

    /// Standard normal numbers.
    ///
    /// @param mean `[B, C, h, w]`
    Tensor normal(Tensor mean) {
        long[] shape = Tensors.shape(mean);
        long own = shape[0];
        shape[0] = before + own + after;
        Tensor drawn = generator.randn(DType.FLOAT32, shape).narrow(0, before, own);
        return Device.of(mean).place(drawn, DType.of(mean));
    }

    /// Standard deviation of each channel in the batch.
    ///
    /// @param mean `[B, C, h, w]`, without gradients
    /// @return `[1, C, 1, 1]`
    Tensor spread(Tensor mean) {
        if (group == null || group.size() == 1) {
            return mean.std(new long[] {0, 2, 3}, false, true);
        }
        Tensor rows = DType.FLOAT64.cast(mean).transpose(0, 1).flatten(1, 3); // [C, B * h * w]
        Tensor counted = Tensors.full((double) rows.size(1), DType.FLOAT64, Device.of(mean), rows.size(0));
        Tensor sums = Ops.mul(
                Ops.cat(0, rows.sum(1).reshape(1, -1), rows.square().sum(1).reshape(1, -1), counted.reshape(1, -1)),
                counts ? 1.0 : 0.0);
        group.sum(sums);
        Tensor count = sums.narrow(0, 2, 1);
        Tensor average = sums.narrow(0, 0, 1).div(count);
        Tensor variance = Ops.clamp(sums.narrow(0, 1, 1).div(count).sub(average.square()), 0, Double.MAX_VALUE);
        return DType.of(mean).cast(variance.sqrt()).reshape(1, -1, 1, 1);
    }
}
