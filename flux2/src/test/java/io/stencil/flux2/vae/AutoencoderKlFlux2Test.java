package io.stencil.flux2.vae;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.stencil.autograd.GradMode;
import io.stencil.error.InvalidRequestException;
import io.stencil.nn.Parameter;
import io.stencil.safetensors.KeyHash;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class AutoencoderKlFlux2Test {

    @Test
    void theRealOneHasTheNamesShapesAndSizeOfTheCheckpoint() {
        try (Scope _ = new Scope();
                AutoencoderKlFlux2 vae = new AutoencoderKlFlux2(VaeConfig.flux2())) {
            assertThat(KeyHash.ofShapes(vae.shapes())).isEqualTo("c54288e3ee12ca215898840682337b95");
            assertThat(vae.parameterCount()).isBetween(84_000_000L, 84_100_000L);
            assertThat(vae.state().values())
                    .allMatch(parameter -> Device.of(parameter.get()).equals(Device.META));
            assertThat(Objects.requireNonNull(vae.state().get("bn.num_batches_tracked"))
                            .dtype())
                    .isEqualTo(DType.INT64);
        }
    }

    @Test
    void sidesThatAreNoMultipleOf16AreRefused() {
        try (Scope _ = new Scope();
                AutoencoderKlFlux2 vae = TinyVae.load(DType.FLOAT32)) {
            Tensor odd = Tensors.zeros(DType.FLOAT32, Device.CPU, 1, 3, 64, 40);
            assertThatThrownBy(() -> vae.encode(odd))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'pixels': both sides of the image must be multiples of 16, found 64 x 40"
                            + " (height x width)");
            assertThatThrownBy(() -> vae.encodeTiled(odd, Tiling.standard()))
                    .isInstanceOf(InvalidRequestException.class);
        }
    }

    @Test
    void otherShapesAreRefused() {
        try (Scope _ = new Scope();
                AutoencoderKlFlux2 vae = TinyVae.load(DType.FLOAT32)) {
            Tensor gray = Tensors.zeros(DType.FLOAT32, Device.CPU, 1, 1, 64, 64);
            assertThatThrownBy(() -> vae.encode(gray))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'pixels': expected [B, 3, H, W], found [1, 1, 64, 64]");
            Tensor tokens = Tensors.zeros(DType.FLOAT32, Device.CPU, 1, 24, 128);
            assertThatThrownBy(() -> vae.decode(tokens))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'latents': expected [B, 128, H/16, W/16], found [1, 24, 128]");
        }
    }

    @Test
    void gradientsReachPixelsLatentsAndEveryParameter() {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(3);
                AutoencoderKlFlux2 vae = TinyVae.load(DType.FLOAT32)) {
            vae.trainOnly(Set.of(""));
            Tensor pixels = generator.randn(DType.FLOAT32, 1, 3, 32, 48);
            pixels.requires_grad_(true);
            Tensor latents = vae.encode(pixels);
            latents.retain_grad();
            vae.decode(latents).square().sum().backward();
            assertThat(largest(pixels.grad())).isPositive();
            assertThat(largest(latents.grad())).isPositive();
            List<String> untouched = new ArrayList<>();
            vae.state().forEach((name, parameter) -> {
                if (!parameter.isBuffer() && !isTouched(parameter)) {
                    untouched.add(name);
                }
            });
            assertThat(untouched).isEmpty();
        }
    }

    @Test
    void aGradientOfTheLatentsEqualsTheDifferenceQuotient() {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(4);
                AutoencoderKlFlux2 vae = TinyVae.load(DType.FLOAT64)) {
            Tensor latents = generator.randn(DType.FLOAT64, 1, 128, 2, 2);
            Tensor direction = generator.randn(DType.FLOAT64, 1, 128, 2, 2);
            latents.requires_grad_(true);
            vae.decode(latents).square().sum().backward();
            double slope = Tensors.toDouble(latents.grad().mul(direction).sum());
            double step = 1e-3;
            try (GradMode _ = GradMode.disabled()) {
                double ahead = energy(vae, latents, direction, step);
                double behind = energy(vae, latents, direction, -step);
                assertThat(slope).isCloseTo((ahead - behind) / (2 * step), withinPercentage(0.1));
            }
        }
    }

    private static double energy(AutoencoderKlFlux2 vae, Tensor latents, Tensor direction, double step) {
        Tensor moved = Ops.addScaled(latents, direction, step);
        return Tensors.toDouble(vae.decode(moved).square().sum());
    }

    private static boolean isTouched(Parameter parameter) {
        Tensor gradient = parameter.gradient();
        return gradient != null && largest(gradient) > 0;
    }

    private static double largest(Tensor tensor) {
        return Tensors.toDouble(tensor.abs().max());
    }
}
