package io.stencil.flux2.schedule;

import static io.stencil.testing.TensorAssert.assertClose;
import static io.stencil.testing.TensorAssert.assertSame;

import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.Golden;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FlowMatchScheduleGoldenTest {

    private static final String GOLDEN = "scheduler.safetensors";

    private static void assertLevels(String run, FlowMatchSchedule schedule) {
        Golden golden = Golden.read(GOLDEN);
        float[] sigmas = new float[schedule.steps()];
        float[] timesteps = new float[schedule.steps()];
        for (int i = 0; i < schedule.steps(); i++) {
            sigmas[i] = schedule.sigma(i);
            timesteps[i] = schedule.timestep(i);
        }
        assertSame(run + ".sigmas", Tensors.of(sigmas, sigmas.length), golden.tensor(run + ".sigmas"));
        assertSame(run + ".timesteps", Tensors.of(timesteps, sigmas.length), golden.tensor(run + ".timesteps"));
    }

    /// The arguments are those in the golden's metadata; 4096 tokens are below the bound of the interpolation, 16384
    /// above it.
    @ParameterizedTest
    @CsvSource({
        "infer_4, 4, 1.0, 24",
        "infer_30_1024, 30, 1.0, 4096",
        "infer_25_4200, 25, 1.0, 4200",
        "infer_50_2048, 50, 1.0, 16384",
        "infer_20_strength, 20, 0.7, 1024"
    })
    void levelsOfInferenceAreEqualToTheLastBit(String run, int steps, double strength, long length) {
        try (Scope _ = new Scope()) {
            assertLevels(run, FlowMatchSchedule.inference(steps, strength, length));
        }
    }

    @Test
    void levelsAndWeightsOfTraining() {
        try (Scope _ = new Scope()) {
            FlowMatchSchedule schedule = FlowMatchSchedule.training();
            assertLevels("train_1000", schedule);
            TrainingWeights weights = TrainingWeights.of(schedule);
            float[] found = new float[schedule.steps()];
            for (int i = 0; i < found.length; i++) {
                found[i] = (float) weights.weight(i);
            }
            Tensor expected = Golden.read(GOLDEN).tensor("train_1000.weights");
            assertClose("weights", Tensors.of(found, found.length), expected, 1e-6);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 42})
    void noiseIsEqualToTheLastBit(long seed) {
        try (Scope _ = new Scope()) {
            Golden golden = Golden.read(GOLDEN);
            try (TorchGenerator generator = new TorchGenerator(seed)) {
                Tensor noise = generator.randn(DType.FLOAT32, 1, 128, 4, 6);
                assertSame("float32", noise, golden.tensor("noise_f32_" + seed));
            }
            try (TorchGenerator generator = new TorchGenerator(seed)) {
                Tensor noise = generator.randn(DType.BFLOAT16, 1, 128, 4, 6);
                assertSame("bfloat16", noise, golden.tensor("noise_bf16_" + seed));
            }
        }
    }
}
