package io.stencil.flux2.schedule;

import static io.stencil.testing.TensorAssert.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FlowMatchScheduleTest {

    private static final double ROUNDING = 1e-6;

    @ParameterizedTest
    @CsvSource({"1024, 1024, 4096", "1000, 1000, 3875", "64, 96, 24", "15, 4096, 0", "65536, 65536, 16777216"})
    void lengthIsOfTheSizeAsAskedFor(int height, int width, long length) {
        assertThat(FlowMatchSchedule.dynamicShiftLength(height, width)).isEqualTo(length);
    }

    @Test
    void oneStepGoesFromNoiseToThePicture() {
        FlowMatchSchedule schedule = FlowMatchSchedule.inference(1, 1, 4096);
        assertThat(schedule.steps()).isEqualTo(1);
        assertThat(schedule.sigma(0)).isEqualTo(1);
        assertThat(schedule.timestep(0)).isEqualTo(1000);
    }

    /// The shift of 16384 x 16384 pixels is beyond float32, where the levels are 1 but for rounding.
    @Test
    void theLargestImagesHaveFiniteLevels() {
        FlowMatchSchedule schedule =
                FlowMatchSchedule.inference(30, 1, FlowMatchSchedule.dynamicShiftLength(16384, 16384));
        for (int i = 0; i < schedule.steps(); i++) {
            assertThat(schedule.sigma(i)).isEqualTo(1);
        }
    }

    @Test
    void stepsWhoseLevelsFallToZeroAreRefused() {
        long length = FlowMatchSchedule.dynamicShiftLength(64, 64);
        assertThat(FlowMatchSchedule.inference(5000, 1, length).sigma(4999)).isPositive();
        assertThatThrownBy(() -> FlowMatchSchedule.inference(20_000, 1, length))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'num_inference_steps': 20000 are too many for an image of this size: the noise levels of "
                        + "the schedule fall to 0; use fewer, such as 50");
    }

    /// Whatever the step sizes, they add up: a constant velocity of noise - clean leads from the noise to the picture.
    @Test
    void stepsLeadFromTheNoiseToThePicture() {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(1)) {
            Tensor clean = generator.randn(DType.FLOAT32, 1, 6, 128);
            Tensor noise = generator.randn(DType.FLOAT32, 1, 6, 128);
            Tensor velocity = FlowMatchSchedule.target(clean, noise);
            FlowMatchSchedule schedule = FlowMatchSchedule.inference(7, 0.6, 24);
            Tensor latents = schedule.addNoise(clean, noise, 0);
            for (int i = 0; i < schedule.steps(); i++) {
                assertClose("at " + i, latents, schedule.addNoise(clean, noise, i), ROUNDING);
                latents = schedule.step(latents, velocity, i);
            }
            assertClose("at the end", latents, clean, ROUNDING);
        }
    }

    @Test
    void latentsStayInFloat32() {
        try (Scope _ = new Scope()) {
            Tensor half = DType.BFLOAT16.cast(Tensors.of(new float[] {1, 2}, 2));
            FlowMatchSchedule schedule = FlowMatchSchedule.training();
            assertThat(DType.of(schedule.step(half, half, 0))).isEqualTo(DType.FLOAT32);
            assertThat(DType.of(schedule.addNoise(half, half, 0))).isEqualTo(DType.FLOAT32);
            assertThat(DType.of(FlowMatchSchedule.target(half, half))).isEqualTo(DType.FLOAT32);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1})
    void stepsMustBePositive(int steps) {
        assertThatThrownBy(() -> FlowMatchSchedule.inference(steps, 1, 4096))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'num_inference_steps': must be at least 1, found " + steps);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -0.5, 1.01, Double.NaN})
    void strengthMustBeAboveZeroUpToOne(double strength) {
        assertThatThrownBy(() -> FlowMatchSchedule.inference(4, strength, 4096))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'denoising_strength': must be above 0 and at most 1, found " + strength);
    }

    @Test
    void anIndexBeyondTheStepsIsRefused() {
        FlowMatchSchedule schedule = FlowMatchSchedule.inference(4, 1, 4096);
        assertThatThrownBy(() -> schedule.sigma(4)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> schedule.sigma(-1)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void aSingleStepHasNoWeights() {
        FlowMatchSchedule schedule = FlowMatchSchedule.inference(1, 1, 4096);
        assertThatThrownBy(() -> TrainingWeights.of(schedule)).isInstanceOf(InvalidRequestException.class);
    }
}
