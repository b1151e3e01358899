package io.stencil.flux2.schedule;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;

/// The way from noise to a picture: the noise level of every step, and the arithmetic between them.
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
    private static final float TIMESTEPS_PER_SIGMA = 1000;

    /// Smaller noise levels, by which inpainting divides, are beyond float32.
    private static final float LOWEST_SIGMA = 1e-30f;

    private final float[] sigmas;

    private FlowMatchSchedule(float[] sigmas) {
        this.sigmas = sigmas;
    }

    /// @param steps at least 1
    /// @param strength how much of the way is gone, above 0 up to 1; less begins at a picture with some noise
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
        float[] sigmas = NoiseLevels.shifted(steps, strength, NoiseLevels.mu(dynamicShiftLength, steps));
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
        return new FlowMatchSchedule(NoiseLevels.shifted(TRAINING_STEPS, 1, TRAINING_MU));
    }

    /// The length that sets the shift of an inference schedule.
    ///
    /// @param height requested height of the image in pixels, before it is rounded up; `width` likewise
    public static long dynamicShiftLength(int height, int width) {
        return (long) (height / 16) * width / 16;
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
}
