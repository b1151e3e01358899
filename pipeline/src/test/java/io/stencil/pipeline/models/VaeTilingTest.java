package io.stencil.pipeline.models;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.autograd.GradMode;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.flux2.vae.PixelConversion;
import io.stencil.flux2.vae.Tiling;
import io.stencil.image.RgbImage;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import java.nio.file.Path;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

/// Which pictures go through the VAE in tiles, and what that changes of them.
class VaeTilingTest {

    private static final Tiling TILES = new Tiling(64, 32);

    private static ModelSet load(Path model, VaeTiling tiling) {
        return ModelSet.load(ModelFiles.in(model), new LoadOptions(DType.FLOAT32, Device.CPU).withTiling(tiling));
    }

    private static RgbImage picture(int height, int width) {
        byte[] rgb = new byte[height * width * RgbImage.CHANNELS];
        for (int i = 0; i < rgb.length; i++) {
            int x = i / RgbImage.CHANNELS % width;
            int y = i / RgbImage.CHANNELS / width;
            int c = i % RgbImage.CHANNELS;
            rgb[i] = (byte) Math.round(128 + 70 * Math.sin(x * 0.05 + c) * Math.cos(y * 0.04 - c));
        }
        return RgbImage.of(width, height, rgb);
    }

    @Test
    void largePicturesAreCutUnlessAllAre() {
        assertThat(VaeTiling.OF_LARGE_IMAGES.cuts(1024, 1024)).isFalse();
        assertThat(VaeTiling.OF_LARGE_IMAGES.cuts(2048, 2048)).isFalse();
        assertThat(VaeTiling.OF_LARGE_IMAGES.cuts(2048, 2064)).isTrue();
        assertThat(VaeTiling.always(TILES).cuts(16, 16)).isTrue();
    }

    @Test
    void theTilesThatAreAskedForAreUsedBothWays() {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled();
                ModelSet models = load(TestFiles.tinyModel(""), VaeTiling.always(TILES))) {
            AutoencoderKlFlux2 vae = models.requireVae();
            RgbImage image = picture(96, 128);
            Tensor latents = models.encode(image);
            Tensor pixels = PixelConversion.pixelsFromBytes(image.rgb(), 96, 128);
            TensorAssert.assertSame("latents", latents, vae.encodeTiled(pixels, TILES));
            assertThat(models.decode(latents).rgb())
                    .isEqualTo(PixelConversion.bytesFromPixels(vae.decodeTiled(latents, TILES)))
                    .isNotEqualTo(PixelConversion.bytesFromPixels(vae.decode(latents)));
        }
    }

    /// On the trained VAE of the small world, four tiles and more: it differs from the picture as a whole by little
    /// where encoding takes four times as much, and is as close to what was encoded.
    @Test
    void aTrainedVaeGivesNearlyTheSamePictureInTiles() {
        Path klein = TestFiles.root().resolve("models/tiny-klein");
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled();
                ModelSet whole = load(klein, VaeTiling.OF_LARGE_IMAGES);
                ModelSet tiled = load(klein, VaeTiling.always(Tiling.withStride(128, 96)))) {
            RgbImage image = picture(256, 256);
            RgbImage expected = whole.decode(whole.encode(image));
            RgbImage found = tiled.decode(tiled.encode(image));
            double loss = meanDifference(expected, image);
            assertThat(meanDifference(found, expected))
                    .as("of 255")
                    .isLessThan(loss / 4)
                    .isLessThan(3);
            assertThat(meanDifference(found, image)).isLessThan(loss + 1);
        }
    }

    private static double meanDifference(RgbImage one, RgbImage other) {
        assertThat(one.size()).isEqualTo(other.size());
        long sum = 0;
        for (int i = 0; i < one.rgb().length; i++) {
            sum += Math.abs((one.rgb()[i] & 0xFF) - (other.rgb()[i] & 0xFF));
        }
        return (double) sum / one.rgb().length;
    }
}
