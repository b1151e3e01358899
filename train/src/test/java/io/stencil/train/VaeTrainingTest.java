package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.stencil.autograd.GradMode;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.flux2.vae.VaeConfig;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.train.ReconstructionObjective.LatentMeasurement;
import io.stencil.train.ReconstructionObjective.VaeLoss;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class VaeTrainingTest {

    private final TorchGenerator generator = new TorchGenerator(3);
    private final AutoencoderKlFlux2 vae = new AutoencoderKlFlux2(new VaeConfig(List.of(8, 8, 8, 8), 1, 2, 4, 1e-4));

    @BeforeEach
    void fill() {
        vae.initialize(DType.FLOAT32, Device.CPU, generator);
    }

    @AfterEach
    void free() {
        vae.close();
        generator.close();
    }

    @Test
    void statisticsAreThoseWorkedOutByHand() {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled()) {
            Tensor pixels = generator.randn(DType.FLOAT32, 5, 3, 32, 48);
            LatentMeasurement measurement = new LatentMeasurement(vae);
            measurement.add(pixels.narrow(0, 0, 2));
            measurement.add(pixels.narrow(0, 2, 3));
            measurement.apply();
            float[] latents = Tensors.toFloats(vae.foldedMeans(pixels)); // [5, 8, 2, 3]
            float[] mean = statistic("bn.running_mean");
            float[] variance = statistic("bn.running_var");
            for (int channel = 0; channel < 8; channel++) {
                double sum = 0;
                for (int i = 0; i < 30; i++) {
                    sum += latents[i / 6 * 48 + channel * 6 + i % 6];
                }
                double expected = sum / 30;
                double squares = 0;
                for (int i = 0; i < 30; i++) {
                    squares += Math.pow(latents[i / 6 * 48 + channel * 6 + i % 6] - expected, 2);
                }
                assertThat((double) mean[channel]).isCloseTo(expected, within(1e-6));
                assertThat((double) variance[channel]).isCloseTo(squares / 29, within(1e-5 * squares));
            }
        }
    }

    private float[] statistic(String name) {
        return Tensors.toFloats(Objects.requireNonNull(vae.state().get(name)).get());
    }

    @Test
    void theLossIsWhatItsFormulaSays() {
        try (Scope _ = new Scope()) {
            Tensor pixels = Tensors.of(new float[] {0, 1, -1, 0.5f}, 1, 1, 2, 2);
            Tensor decoded = Tensors.of(new float[] {0.5f, 1, -1, 0}, 1, 1, 2, 2);
            assertThat(Tensors.toDouble(VaeLoss.reconstruction(decoded, pixels)))
                    .isCloseTo(0.25 + 0.125, within(1e-6));
            // The error is 0.5, 0 above 0, -0.5: steps of -0.5 and -0.5 down, -0.5 and -0.5 to the right.
            assertThat(Tensors.toDouble(VaeLoss.edges(decoded, pixels))).isCloseTo(0.5 + 0.5, within(1e-6));
            Tensor mean = Tensors.of(new float[] {1, -2, 0, 3}, 2, 2, 1, 1);
            Tensor logVariance = Tensors.of(new float[] {0, 1, -1, 0}, 2, 2, 1, 1);
            double sum = 1 + (4 + Math.E - 1 - 1) + (Math.exp(-1) + 1 - 1) + 9;
            assertThat(Tensors.toDouble(VaeLoss.divergence(mean, logVariance))).isCloseTo(sum / 4, within(1e-5));
        }
    }

    @Test
    void theNoiseIsPartOfTheLossAndComesFromTheGenerator() {
        vae.trainOnly(Set.of(""));
        try (Scope _ = new Scope()) {
            Tensor pixels = generator.randn(DType.FLOAT32, 2, 3, 32, 32);
            double quiet = loss(0, pixels, generator);
            double noisy = noisyLoss(pixels, 8);
            assertThat(noisy)
                    .isNotEqualTo(quiet)
                    .isEqualTo(noisyLoss(pixels, 8))
                    .isNotEqualTo(noisyLoss(pixels, 9));
        }
    }

    private double loss(double latentNoise, Tensor pixels, TorchGenerator random) {
        try (Scope _ = new Scope()) {
            VaeLoss.BatchNoise noise = new VaeLoss.BatchNoise(random, null, 0, 0, true);
            return Tensors.toDouble(new VaeLoss(latentNoise, 1e-5, 0).accumulateLater(vae, pixels, noise, 1));
        }
    }

    private double noisyLoss(Tensor pixels, long seed) {
        try (TorchGenerator own = new TorchGenerator(seed)) {
            return loss(1, pixels, own);
        }
    }
}
