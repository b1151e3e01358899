package io.stencil.train.step;

import io.stencil.flux2.schedule.FlowMatchSchedule;
import io.stencil.tensor.DType;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.train.options.TimestepRange;

/// Gives each training step its timestep and its noise.
@FunctionalInterface
public interface NoiseDraws {

    /// @param dtype in which the noise is drawn: it decides the numbers
    /// @param shape of the latents as the transformer sees them, `[1, S, 128]`
    /// @return owned by the caller's scope
    Draw next(DType dtype, long... shape);

    /// Draws a whole number below 1000, `randint(0, 1000, (1,))`, then normal numbers of the latents' shape: in
    /// this order and nothing else, so that a seed gives the steps that PyTorch's CPU generator gives.
    static NoiseDraws from(TorchGenerator generator) {
        return from(generator, TimestepRange.ALL);
    }

    /// The same with a timestep of a part of the schedule, `randint(first, end, (1,))`.
    static NoiseDraws from(TorchGenerator generator, TimestepRange range) {
        int first = range.first(FlowMatchSchedule.TRAINING_STEPS);
        int count = range.count(FlowMatchSchedule.TRAINING_STEPS);
        return (dtype, shape) -> {
            long index = first + Tensors.toLongs(generator.randint(count, 1))[0];
            return new Draw(Math.toIntExact(index), generator.randn(dtype, shape));
        };
    }
}
