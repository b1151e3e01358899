package io.stencil.train.validation;

import io.stencil.flux2.schedule.FlowMatchSchedule;
import io.stencil.tensor.DType;
import io.stencil.tensor.ProcessRandom;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.train.options.ObjectiveOptions.TimestepRange;
import io.stencil.train.step.NoiseDraws;
import org.bytedeco.pytorch.Tensor;

/// Draws timesteps and noise of a held-out row: one timestep in each band, in their order. They follow from the run's
/// seed and from the content of the row, so that they are the same at every validation.
///
/// The bands are four equal parts of the timesteps that a run draws from, the noisiest first.
final class FixedDraws implements NoiseDraws, AutoCloseable {

    /// Number of bands.
    static final int BANDS = 4;

    private static final long STREAM = 3; // 1 and 2 are those of Sample.Seeds

    private final TorchGenerator generator;
    private final int first;
    private final int count;
    private int band;

    /// @param seed of the run
    /// @param row digest of its content
    FixedDraws(long seed, long row, TimestepRange range) {
        generator = new TorchGenerator(ProcessRandom.seed(seed, STREAM, row));
        first = range.first(FlowMatchSchedule.TRAINING_STEPS);
        count = range.count(FlowMatchSchedule.TRAINING_STEPS);
    }

    @Override
    public Draw next(DType dtype, long... shape) {
        int begin = count * band / BANDS;
        int size = Math.max(1, count * (band + 1) / BANDS - begin);
        band++;
        Tensor index = generator.randint(size, 1);
        return new Draw(Math.toIntExact(first + begin + Tensors.toLongs(index)[0]), generator.randn(dtype, shape));
    }

    @Override
    public void close() {
        generator.close();
    }
}
