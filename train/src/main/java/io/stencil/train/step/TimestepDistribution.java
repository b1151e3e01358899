package io.stencil.train.step;

import io.stencil.flux2.schedule.FlowMatchSchedule;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.train.options.ObjectiveOptions;
import io.stencil.train.options.ObjectiveOptions.TimestepRange;
import io.stencil.train.options.ObjectiveOptions.TimestepSampling;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Draws timesteps of the schedule of training, as indices from 0, its noisiest end.
///
/// Each draw takes one random number. Within boundaries a distribution is that of the whole schedule, cut off there.
///
/// @param range part of the schedule
/// @param logitMean mean of the logits of places in the schedule
/// @param logitStd their standard deviation
/// @param shift of noise levels; null takes that of the image's length
record TimestepDistribution(
        TimestepSampling sampling,
        TimestepRange range,
        double logitMean,
        double logitStd,
        @Nullable Double shift) {

    private static final int STEPS = FlowMatchSchedule.TRAINING_STEPS;

    /// Steps of the inference schedule whose shift is taken.
    private static final int INFERENCE_STEPS = 50;

    static TimestepDistribution uniform(TimestepRange range) {
        return new TimestepDistribution(TimestepSampling.UNIFORM, range, 0, 1, null);
    }

    static TimestepDistribution of(ObjectiveOptions options) {
        return new TimestepDistribution(
                options.timestepSampling(),
                options.timesteps(),
                options.logitMean(),
                options.logitStd(),
                options.timestepShift());
    }

    /// @param shape of the latents, `[1, S, 128]`
    int draw(TorchGenerator generator, long... shape) {
        return switch (sampling) {
            case UNIFORM ->
                range.first(STEPS) + Math.toIntExact(Tensors.toLongs(generator.randint(range.count(STEPS), 1))[0]);
            case LOGIT_NORMAL -> inverted(generator, this::logitShare, this::logitPlace);
            case SHIFTED -> {
                double factor = (shift == null ? FlowMatchSchedule.dynamicShift(shape[1], INFERENCE_STEPS) : shift)
                        / FlowMatchSchedule.TRAINING_SHIFT; // beside the shift that the schedule has
                yield inverted(
                        generator,
                        place -> 1 - shifted(1 - place, 1 / factor),
                        share -> 1 - shifted(1 - share, factor));
            }
        };
    }

    /// Draws by the inverse of a distribution.
    ///
    /// @param shares share of the draws that lie before a place in the schedule, both from 0 to 1
    /// @param places the inverse
    private int inverted(TorchGenerator generator, UnaryOperator<Double> shares, UnaryOperator<Double> places) {
        int first = range.first(STEPS);
        int last = first + range.count(STEPS) - 1;
        double low = shares.apply((double) first / STEPS);
        double high = shares.apply((last + 1.0) / STEPS);
        try (Scope _ = new Scope()) {
            Tensor share = Tensors.zeros(DType.FLOAT64, Device.CPU, 1);
            generator.fillUniform(share, 0, 1);
            double place = places.apply(low + (high - low) * Tensors.toDouble(share));
            return Math.clamp((long) (place * STEPS), first, last);
        }
    }

    private static double shifted(double level, double shift) {
        return shift * level / (1 + (shift - 1) * level);
    }

    private double logitShare(double place) {
        double logit = Math.log(place / (1 - place)); // infinite at the ends
        return Tensors.toDouble(Ops.normalCdf(number((logit - logitMean) / logitStd)));
    }

    private double logitPlace(double share) {
        return 1 / (1 + Math.exp(-logitMean - logitStd * Tensors.toDouble(Ops.inverseNormalCdf(number(share)))));
    }

    private static Tensor number(double value) {
        return Tensors.full(value, DType.FLOAT64, Device.CPU);
    }
}
