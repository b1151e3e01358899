package io.stencil.train.step;

import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;
import io.stencil.train.data.BatchSampler;
import io.stencil.train.options.ObjectiveOptions;
import io.stencil.train.options.ObjectiveOptions.TimestepRange;
import org.bytedeco.pytorch.Tensor;

/// Draws the timestep and the noise of each sample.
@FunctionalInterface
public interface NoiseDraws {

    /// Holds the random numbers of one sample.
    ///
    /// @param timestepIndex of the training schedule, 0 to 999
    /// @param noise standard normal, `[1, S, 128]`
    record Draw(int timestepIndex, Tensor noise) {}

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
        return from(generator, TimestepDistribution.uniform(range));
    }

    /// Draws a timestep as the options of a run say, then the noise.
    static NoiseDraws from(TorchGenerator generator, ObjectiveOptions options) {
        return from(generator, TimestepDistribution.of(options));
    }

    private static NoiseDraws from(TorchGenerator generator, TimestepDistribution timesteps) {
        return (dtype, shape) -> new Draw(timesteps.draw(generator, shape), generator.randn(dtype, shape));
    }

    /// Draws for the rows of one process: the draws for the other rows of the batch are made and dropped, so that every
    /// sample has the numbers that it has in one process.
    default NoiseDraws ofLocal(BatchSampler.LocalBatch batch) {
        return new NoiseDraws() {
            private int done;

            @Override
            public Draw next(DType dtype, long... shape) {
                if (done == 0) {
                    drop(batch.before(), dtype, shape);
                }
                Draw draw = NoiseDraws.this.next(dtype, shape);
                done++;
                if (done == batch.rows().size()) {
                    drop(batch.after(), dtype, shape);
                }
                return draw;
            }

            private void drop(int count, DType dtype, long... shape) {
                for (int i = 0; i < count; i++) {
                    try (Scope _ = new Scope()) {
                        NoiseDraws.this.next(dtype, shape);
                    }
                }
            }
        };
    }
}
