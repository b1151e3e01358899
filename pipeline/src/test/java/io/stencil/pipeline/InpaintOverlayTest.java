package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.image.ImageSize;
import io.stencil.image.Resampler;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.testing.TestFiles;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;

/// What was to stay of a picture is the input's in each sample, where that is asked for.
class InpaintOverlayTest extends TinyPipelineFixture {

    /// 96 x 64 pixels.
    private final RgbImage input = RgbImageReader.read(TestFiles.golden("input.png"));

    private static RgbImage mask(ImageSize size, IntPredicate whiteColumns) {
        byte[] rgb = new byte[size.width() * size.height() * RgbImage.CHANNELS];
        for (int i = 0; i < rgb.length; i++) {
            rgb[i] = (byte) (whiteColumns.test(i / RgbImage.CHANNELS % size.width()) ? 255 : 0);
        }
        return RgbImage.of(size.width(), size.height(), rgb);
    }

    private RgbImage generate(ImageSize asked, Inpaint inpaint, boolean overlay) {
        return pipeline.generate(GenerationRequest.of("a leaf")
                        .size(asked.height(), asked.width())
                        .steps(2)
                        .inputImage(input)
                        .inpaint(inpaint)
                        .inpaintOverlay(overlay)
                        .build())
                .image();
    }

    private static void assertColumns(RgbImage found, RgbImage origin, int from, int to) {
        for (int y = 0; y < found.height(); y++) {
            for (int x = from; x < to; x++) {
                assertThat(found.pixel(x, y)).as("at %s, %s", x, y).isEqualTo(origin.pixel(x, y));
            }
        }
    }

    /// Sides that are no multiples of a latent pixel's are rounded up, and the picture is what the rounded size shows.
    @Test
    void onlyTheMaskedPartOfAPictureIsMadeAnew() {
        Inpaint inpaint = new Inpaint(mask(input.size(), x -> x >= 48));
        ImageSize rounded = new ImageSize(96, 64);
        RgbImage plain = generate(new ImageSize(90, 60), inpaint, false);
        RgbImage overlaid = generate(new ImageSize(90, 60), inpaint, true);
        assertThat(overlaid.size()).isEqualTo(rounded);
        assertColumns(overlaid, Resampler.cover(input, rounded), 0, 48);
        assertColumns(overlaid, plain, 48, 96);
        assertThat(plain).as("what the decoder makes of the rest").isNotEqualTo(overlaid);
    }

    /// Of 96 columns the middle 64 are left; what is white from column 64 on is so from column 48 on.
    @Test
    void aMaskIsCroppedLikeTheInputImage() {
        ImageSize square = new ImageSize(64, 64);
        RgbImage overlaid = generate(square, new Inpaint(mask(input.size(), x -> x >= 64)), true);
        RgbImage kept = Resampler.cover(input, square);
        assertColumns(overlaid, kept, 0, 48);
        assertThat(overlaid.pixel(56, 32)).isNotEqualTo(kept.pixel(56, 32));
    }

    @Test
    void aGrayMaskMixes() {
        ImageSize one = new ImageSize(1, 1);
        RgbImage mixed = new Inpaint(RgbImage.filled(one, 0x33_33_33))
                .overlay(RgbImage.filled(one, 0x00_64_C8), RgbImage.filled(one, 0xFF_00_C8));
        assertThat(mixed).isEqualTo(RgbImage.filled(one, 0xCC_14_C8));
    }

    /// The blur reaches as far as that of the latents, of which one is 16 pixels.
    @Test
    void aBlurSoftensWhatTheOverlayLeavesFree() {
        ImageSize size = new ImageSize(96, 32);
        RgbImage found = new Inpaint(mask(size, x -> x >= 48), 1, 0.5)
                .overlay(RgbImage.filled(size, 0xFF_FF_FF), RgbImage.filled(size, 0));
        assertThat(found.sample(31, 9, 0)).isZero();
        assertThat(found.sample(40, 9, 0)).isBetween(20, 60);
        assertThat(found.sample(47, 9, 0)).isBetween(110, 130);
        assertThat(found.sample(64, 9, 0)).isEqualTo(255);
    }
}
