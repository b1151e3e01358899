package io.stencil.flux2.schedule;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;

/// The way from noise to an image: the noise level of every step, and the arithmetic between them.
///
/// A step is named by its index from 0, which the caller carries; index 0 has the most noise.
/// ```java
/// long length = FlowMatchSchedule.dynamicShiftLength(1024, 1024);
/// FlowMatchSchedule schedule = FlowMatchSchedule.inference(30, 1.0, length);
/// for (int i = 0; i < schedule.steps(); i++) {
///     latents = schedule.step(latents, model.velocity(latents, schedule.timestep(i)), i);
/// }
/// ```
public final class FlowMatchSchedule {

    /// Steps of the schedule for training.
    public static final int TRAINING_STEPS = 1000;

    private static final double TRAINING_MU = 0.8;

    /// Shift of the schedule for training: the noise level at the share `u` of the way is
    /// `shift * u / (1 + (shift - 1) * u)`.
    public static final double TRAINING_SHIFT = Math.exp(TRAINING_MU);

    private static final float TIMESTEPS_PER_SIGMA = 1000;

    /// Smaller noise levels, by which inpainting divides, are beyond float32.
    private static final float LOWEST_SIGMA = 1e-30f;

    private static final double LARGE_SLOPE = 0.00016927;
    private static final double LARGE_OFFSET = 0.45666666;
    private static final double SMALL_SLOPE = 8.73809524e-05;
    private static final double SMALL_OFFSET = 1.89833333;
    private static final long LARGEST_INTERPOLATED = 4300;

    private final float[] sigmas;

    private FlowMatchSchedule(float[] sigmas) {
        this.sigmas = sigmas;
    }

    /// @param steps at least 1
    /// @param strength how much of the way is gone, above 0 up to 1; less begins at an image with some noise
    /// @param dynamicShiftLength see [#dynamicShiftLength]
    /// @throws InvalidRequestException for a value out of range
    public static FlowMatchSchedule inference(int steps, double strength, long dynamicShiftLength) {
        if (steps < 1) {
            throw new InvalidRequestException("num_inference_steps", "must be at least 1, found " + steps);
        }
        if (!(strength > 0 && strength <= 1)) {
            throw new InvalidRequestException("denoising_strength", "must be above 0 and at most 1, found " + strength);
        }
        if (dynamicShiftLength < 0) {
            throw new InvalidRequestException("dynamicShiftLength", "a negative length: " + dynamicShiftLength);
        }
        float[] sigmas = shifted(steps, strength, mu(dynamicShiftLength, steps));
        if (!(sigmas[steps - 1] >= LOWEST_SIGMA)) {
            throw new InvalidRequestException(
                    "num_inference_steps",
                    "%s are too many for an image of this size: the noise levels of the schedule fall to 0; use fewer, such as 50"
                            .formatted(steps));
        }
        return new FlowMatchSchedule(sigmas);
    }

    /// The schedule that training draws its steps from.
    public static FlowMatchSchedule training() {
        return new FlowMatchSchedule(shifted(TRAINING_STEPS, 1, TRAINING_MU));
    }

    /// The length that sets the shift of an inference schedule.
    ///
    /// @param height requested height of the image in pixels, before it is rounded up; `width` likewise
    public static long dynamicShiftLength(int height, int width) {
        return (long) (height / 16) * width / 16;
    }

    /// The shift of an inference schedule, in the terms of [#TRAINING_SHIFT].
    ///
    /// @param length of the image in tokens, see [#dynamicShiftLength]
    /// @param steps of the schedule
    public static double dynamicShift(long length, int steps) {
        return Math.exp(mu(length, steps));
    }

    public int steps() {
        return sigmas.length;
    }

    /// Noise level, above 0 up to 1.
    public float sigma(int index) {
        return sigmas[Objects.checkIndex(index, sigmas.length)];
    }

    /// Noise level in the unit of the transformer, above 0 up to 1000.
    public float timestep(int index) {
        return sigma(index) * TIMESTEPS_PER_SIGMA;
    }

    /// One Euler step to the next noise level, which is 0 after the last.
    ///
    /// @param latents at the noise level of `index`
    /// @param velocity what the transformer predicts for them, the shape of `latents`
    /// @return float32, whatever the transformer's dtype: rounding latents between steps adds up
    public Tensor step(Tensor latents, Tensor velocity, int index) {
        float next = index + 1 < sigmas.length ? sigmas[index + 1] : 0;
        return Ops.addScaled(DType.FLOAT32.cast(latents), DType.FLOAT32.cast(velocity), next - sigma(index));
    }

    /// `(1 - sigma) * clean + sigma * noise`.
    ///
    /// @return float32, the shape of `clean`
    public Tensor addNoise(Tensor clean, Tensor noise, int index) {
        float sigma = sigma(index);
        return Ops.addScaled(Ops.mul(DType.FLOAT32.cast(clean), 1 - sigma), DType.FLOAT32.cast(noise), sigma);
    }

    /// The velocity that training aims at: `noise - clean`.
    ///
    /// @return float32, the shape of `clean`
    public static Tensor target(Tensor clean, Tensor noise) {
        return DType.FLOAT32.cast(noise).sub(DType.FLOAT32.cast(clean));
    }

    /// Noise levels (sigmas) from `1/n + (1 - 1/n) * strength` down to `1/n`, evenly spaced and then shifted towards
    /// noise by `mu`: `e^mu / (e^mu + 1/sigma - 1)`.
    ///
    /// Computed in float32 in the reference's order of operations, so that every sigma equals its own to the last
    /// bit: a timestep feeds a sinusoid, where a rounding error of 1e-4 is an error of 1e-4 in the phase.
    private static float[] shifted(int steps, double strength, double mu) {
        double lowest = 1.0 / steps;
        float[] levels = evenlySpaced(lowest + (1 - lowest) * strength, lowest, steps);
        float shift = (float) Math.exp(mu);
        for (int i = 0; i < steps; i++) {
            // beyond float32, as for the largest images, the limit
            levels[i] = Float.isInfinite(shift) ? 1 : 1 / (shift + (1 / levels[i] - 1)) * shift;
        }
        return levels;
    }

    /// The shift for inference, from the number of steps and the length of the image in tokens.
    private static double mu(long length, int steps) {
        double large = LARGE_SLOPE * length + LARGE_OFFSET;
        if (length > LARGEST_INTERPOLATED) {
            return large;
        }
        double atTenSteps = SMALL_SLOPE * length + SMALL_OFFSET;
        double slope = (large - atTenSteps) / 190;
        return slope * steps + (large - 200 * slope);
    }

    /// Counted up from `start` in the first half and down from `end` in the second, as libtorch's `linspace` does.
    private static float[] evenlySpaced(double start, double end, int count) {
        float[] points = new float[count];
        float first = (float) start;
        float last = (float) end;
        float step = count == 1 ? 0 : (last - first) / (count - 1);
        for (int i = 0; i < count; i++) {
            points[i] = count == 1 || i < count / 2 ? Math.fma(step, i, first) : Math.fma(-step, count - 1 - i, last);
        }
        return points;
    }
}
