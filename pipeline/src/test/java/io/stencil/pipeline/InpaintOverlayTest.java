package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.image.CoverCrop;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.stage.Inpaint;
import io.stencil.pipeline.stage.InpaintOverlay;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.TestFiles;
import org.junit.jupiter.api.Test;

/// What was to stay of a picture is the input's to the last sample, where that is asked for.
class InpaintOverlayTest {

    private static final ImageSize SIZE = new ImageSize(64, 48);

    /// White in the right half.
    private static RgbImage mask(ImageSize size) {
        byte[] rgb = new byte[size.width() * size.height() * RgbImage.CHANNELS];
        for (int i = 0; i < rgb.length; i++) {
            rgb[i] = (byte) (i / RgbImage.CHANNELS % size.width() < size.width() / 2 ? 0 : 255);
        }
        return RgbImage.of(size.width(), size.height(), rgb);
    }

    private static GeneratedImage generate(Flux2Pipeline pipeline, RgbImage input, Inpaint inpaint) {
        return pipeline.generate(GenerationRequest.of("a leaf")
                .size(SIZE.height(), SIZE.width())
                .steps(2)
                .inputImage(input)
                .inpaint(inpaint)
                .build());
    }

    @Test
    void onlyTheMaskedPartOfAPictureIsMadeAnew() {
        RgbImage input = RgbImageReader.read(TestFiles.golden("input.png"));
        RgbImage expected = CoverCrop.to(SIZE, input);
        Inpaint inpaint = new Inpaint(mask(SIZE));
        try (Flux2Pipeline pipeline = Flux2Pipeline.load(
                ModelFiles.in(TestFiles.tinyModel("")), new LoadOptions(DType.FLOAT32, Device.CPU))) {
            RgbImage plain = generate(pipeline, input, inpaint).image();
            RgbImage overlaid = generate(pipeline, input, inpaint.overlaid()).image();
            assertThat(overlaid.size()).isEqualTo(SIZE);
            for (int y = 0; y < SIZE.height(); y++) {
                for (int x = 0; x < SIZE.width(); x++) {
                    RgbImage origin = x < SIZE.width() / 2 ? expected : plain;
                    assertThat(overlaid.pixel(x, y)).as("at %d, %d", x, y).isEqualTo(origin.pixel(x, y));
                }
            }
            assertThat(plain).as("what the decoder makes of the rest").isNotEqualTo(overlaid);
        }
    }

    @Test
    void aGrayMaskMixes() {
        ImageSize one = new ImageSize(1, 1);
        RgbImage mixed = InpaintOverlay.over(
                RgbImage.filled(one, 0x00_64_C8), RgbImage.filled(one, 0xFF_00_C8), RgbImage.filled(one, 0x33_33_33));
        assertThat(mixed).isEqualTo(RgbImage.filled(one, 0xCC_14_C8));
    }

    /// A mask of the latents' size has its edges softened, as the latents of larger pictures have.
    @Test
    void aMaskOfAnotherSizeIsBroughtToThePicture() {
        RgbImage black = RgbImage.filled(SIZE, 0);
        RgbImage white = RgbImage.filled(SIZE, 0xFF_FF_FF);
        RgbImage found = InpaintOverlay.over(white, black, mask(new ImageSize(4, 3)));
        assertThat(found.sample(0, 20, 0)).isZero();
        assertThat(found.sample(SIZE.width() - 1, 20, 0)).isEqualTo(255);
        assertThat(found.sample(SIZE.width() / 2, 20, 0)).isBetween(100, 155);
    }
}
