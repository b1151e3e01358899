package io.stencil.flux2.vae;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.testing.Golden;
import io.stencil.testing.TensorAssert;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class AutoencoderKlFlux2GoldenTest {

    /// Two independent implementations agree to 8e-6; a batch-norm eps of 1e-5 for 1e-4 makes 1.7e-4.
    private static final double FLOAT32 = 5e-5;

    /// bfloat16 has 8 bits of mantissa, and some thirty layers round.
    private static final double BFLOAT16 = 3e-2;

    @Test
    void latentsAndPixelsEqualTheGolden() {
        try (Scope _ = new Scope();
                AutoencoderKlFlux2 vae = TinyVae.load(DType.FLOAT32)) {
            Golden golden = Golden.read("vae_io.safetensors");
            Tensor latents = vae.encode(golden.tensor("pixels"));
            TensorAssert.assertClose("latents", latents, golden.tensor("latents"), FLOAT32);
            Tensor decoded = vae.decode(golden.tensor("latents"));
            TensorAssert.assertClose("decoded", decoded, golden.tensor("decoded"), FLOAT32);
            TensorAssert.assertClose("round trip", vae.decode(latents), golden.tensor("decoded"), FLOAT32);
        }
    }

    @Test
    void weightsInBfloat16ComputeInTheDtypeOfTheInput() {
        try (Scope _ = new Scope();
                AutoencoderKlFlux2 vae = TinyVae.load(DType.BFLOAT16)) {
            Golden golden = Golden.read("vae_io.safetensors");
            Tensor latents = vae.encode(golden.tensor("pixels"));
            assertThat(DType.of(latents)).isEqualTo(DType.FLOAT32);
            // The weights are exact in bfloat16.
            TensorAssert.assertClose("latents", latents, golden.tensor("latents"), FLOAT32);

            Tensor rounded = vae.encode(DType.BFLOAT16.cast(golden.tensor("pixels")));
            assertThat(DType.of(rounded)).isEqualTo(DType.BFLOAT16);
            TensorAssert.assertClose("latents in bfloat16", rounded, golden.tensor("latents"), BFLOAT16);
            Tensor decoded = vae.decode(DType.BFLOAT16.cast(golden.tensor("latents")));
            assertThat(DType.of(decoded)).isEqualTo(DType.BFLOAT16);
            TensorAssert.assertClose("decoded in bfloat16", decoded, golden.tensor("decoded"), BFLOAT16);
        }
    }

    @Test
    void aPictureComesBackAsTheGoldenPicture() {
        try (Scope _ = new Scope();
                AutoencoderKlFlux2 vae = TinyVae.load(DType.FLOAT32)) {
            Tensor pixels = PixelConversion.pixelsFromBytes(TinyVae.readRgb("input.png"), 64, 96);
            TensorAssert.assertSame(
                    "pixels", pixels, Golden.read("vae_io.safetensors").tensor("pixels"));

            byte[] found = PixelConversion.bytesFromPixels(vae.decode(vae.encode(pixels)));
            byte[] expected = TinyVae.readRgb("vae_reconstruction.png");
            assertThat(found).hasSameSizeAs(expected);
            for (int i = 0; i < found.length; i++) {
                assertThat(Math.abs((found[i] & 0xff) - (expected[i] & 0xff)))
                        .as("byte %s", i)
                        .isLessThanOrEqualTo(1);
            }
        }
    }

    @Test
    void aBatchOfTwoGivesWhatEachGivesAlone() {
        try (Scope _ = new Scope();
                AutoencoderKlFlux2 vae = TinyVae.load(DType.FLOAT32)) {
            Golden golden = Golden.read("vae_io.safetensors");
            Tensor pixels = golden.tensor("pixels");
            Tensor latents = vae.encode(Ops.cat(0, pixels, Ops.mul(pixels, -1)));
            assertThat(Tensors.shape(latents)).containsExactly(2, 128, 4, 6);
            TensorAssert.assertClose("first", latents.narrow(0, 0, 1), golden.tensor("latents"), FLOAT32);
            TensorAssert.assertClose("second", latents.narrow(0, 1, 1), vae.encode(Ops.mul(pixels, -1)), FLOAT32);
            Tensor decoded = vae.decode(latents);
            assertThat(Tensors.shape(decoded)).containsExactly(2, 3, 64, 96);
            TensorAssert.assertClose("decoded", decoded.narrow(0, 0, 1), golden.tensor("decoded"), FLOAT32);
        }
    }
}
