package io.stencil.flux2.vae;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.autograd.GradMode;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.testing.Golden;
import io.stencil.testing.TensorAssert;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class TiledPassTest {

    @Test
    void aPictureInOneTileIsTheSameAsUntiled() {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled();
                AutoencoderKlFlux2 vae = TinyVae.load(DType.FLOAT32)) {
            Golden golden = Golden.read("vae_io.safetensors");
            Tensor pixels = golden.tensor("pixels");
            Tiling tiling = new Tiling(96, 32);
            TensorAssert.assertSame("latents", vae.encodeTiled(pixels, tiling), vae.encode(pixels));
            Tensor latents = golden.tensor("latents");
            TensorAssert.assertSame("decoded", vae.decodeTiled(latents, tiling), vae.decode(latents));
        }
    }

    @Test
    void placesTilesExactly() {
        try (Scope _ = new Scope()) {
            Tensor x = Tensors.of(ramp(6 * 5), 1, 1, 6, 5);
            Tensor same = new TiledPass(new Tiling(32, 16), 1, 1, 1).run(x, tile -> tile);
            TensorAssert.assertClose("identity", same, x, 1e-6);
        }
    }

    /// A tile's own statistics and its zero-padded borders make the difference; on the random weights of the tiny
    /// model it is far larger than on trained ones.
    @Test
    void tilesOfALargePictureComeCloserToUntiledTheLargerTheyAre() {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled();
                AutoencoderKlFlux2 vae = TinyVae.load(DType.FLOAT32)) {
            Tensor pixels = picture(256, 256);
            Tensor latents = vae.encode(pixels);
            Tensor decoded = vae.decode(latents);
            TensorAssert.assertClose("latents, 128", vae.encodeTiled(pixels, new Tiling(128, 64)), latents, 0.2);
            TensorAssert.assertClose("latents, 192", vae.encodeTiled(pixels, new Tiling(192, 64)), latents, 0.1);
            TensorAssert.assertClose("decoded, 128", vae.decodeTiled(latents, new Tiling(128, 64)), decoded, 0.4);
            TensorAssert.assertClose("decoded, 192", vae.decodeTiled(latents, new Tiling(192, 64)), decoded, 0.2);
        }
    }

    @Test
    void overlapsLeaveNoSeams() {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled();
                AutoencoderKlFlux2 vae = TinyVae.load(DType.FLOAT32)) {
            Tensor latents = vae.encode(picture(256, 256));
            Tensor decoded = vae.decode(latents);
            double cut = seam(vae.decodeTiled(latents, new Tiling(128, 0)).sub(decoded));
            double blended = seam(vae.decodeTiled(latents, new Tiling(128, 64)).sub(decoded));
            assertThat(blended).isLessThan(cut / 3).isLessThan(seam(decoded) / 3);
        }
    }

    @Test
    void everySizeIsCovered() {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled();
                AutoencoderKlFlux2 vae = TinyVae.load(DType.FLOAT32)) {
            for (int[] size : new int[][] {{16, 208}, {80, 48}, {112, 144}}) {
                Tensor latents = vae.encodeTiled(picture(size[0], size[1]), new Tiling(64, 16));
                assertThat(Tensors.shape(latents)).containsExactly(1, 128, size[0] / 16, size[1] / 16);
                Tensor decoded = vae.decodeTiled(DType.BFLOAT16.cast(latents), new Tiling(64, 16));
                assertThat(Tensors.shape(decoded)).containsExactly(1, 3, size[0], size[1]);
                assertThat(DType.of(decoded)).isEqualTo(DType.BFLOAT16);
            }
        }
    }

    @Test
    void gradientsFlowThroughTiles() {
        try (Scope _ = new Scope();
                AutoencoderKlFlux2 vae = TinyVae.load(DType.FLOAT32)) {
            Tensor pixels = picture(64, 96);
            pixels.requires_grad_(true);
            vae.encodeTiled(pixels, new Tiling(64, 32)).square().sum().backward();
            assertThat(Tensors.toDouble(
                            pixels.grad().abs().amax(new long[] {0, 1}, false).min()))
                    .isPositive();
        }
    }

    /// The largest mean step between neighbouring columns.
    private static double seam(Tensor x) {
        Tensor steps =
                x.narrow(3, 1, x.size(3) - 1).sub(x.narrow(3, 0, x.size(3) - 1)).abs();
        return Tensors.toDouble(steps.mean(0, 1, 2).max());
    }

    private static Tensor picture(int height, int width) {
        float[] values = new float[3 * height * width];
        for (int i = 0; i < values.length; i++) {
            int x = i % width;
            int y = i / width % height;
            int c = i / width / height;
            values[i] = (float) (0.6 * Math.sin(x * 0.11 + c) * Math.cos(y * 0.07 - c) + 0.3 * Math.sin((x + y) * 0.7));
        }
        return Tensors.of(values, 1, 3, height, width);
    }

    private static float[] ramp(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = i;
        }
        return values;
    }
}
