package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class GenerationRequestTest {

    private static final RgbImage PICTURE = RgbImage.filled(new ImageSize(64, 64), 0x336699);

    private static Arguments refusal(UnaryOperator<GenerationRequest.Builder> change, String message) {
        return Arguments.of(change, message);
    }

    static Stream<Arguments> refused() {
        int most = Integer.MAX_VALUE;
        return Stream.of(
                refusal(b -> b.size(0, 16), "'height': must be at least 1, found 0"),
                refusal(b -> b.size(most, 1), "'height': 2147483647 and width 1 are more than 268435456 pixels"),
                refusal(b -> b.size(1, most), "'height': 1 and width 2147483647 are more than"),
                refusal(b -> b.size(65536, 65536), "'height': 65536 and width 65536 are more than"),
                // 16 rows are painted where 1 is asked for.
                refusal(b -> b.size(1, 1 << 25), "'height': 1 and width 33554432 are more than"),
                refusal(b -> b.steps(most), "'num_inference_steps': must be at least 1 and at most 1000000"),
                refusal(b -> b.size(64, 64).steps(20000), "'num_inference_steps': 20000 are too many for an image"),
                refusal(
                        b -> b.cfgScale(Double.NaN),
                        "'cfg_scale': must be a number from -1000000 to 1000000, found NaN"),
                refusal(b -> b.cfgScale(1e30), "'cfg_scale': must be a number from -1000000 to 1000000, found 1.0E30"),
                refusal(b -> b.cfgScale(-1e300), "'cfg_scale': must be a number from"),
                refusal(b -> b.cfgScale(Double.POSITIVE_INFINITY), "'cfg_scale': must be a number from"),
                refusal(b -> b.embeddedGuidance(Double.NaN), "'embedded_guidance': must be a number from"),
                refusal(b -> b.embeddedGuidance(1e38), "'embedded_guidance': must be a number from"),
                refusal(b -> b.denoisingStrength(Double.NaN), "'denoising_strength': must be above 0 and at most 1"),
                refusal(b -> b.seed(-1), "'seed': must be 0 to 4294967295, found -1"),
                refusal(b -> b.seed(1L << 32), "'seed': must be 0 to 4294967295, found 4294967296"),
                refusal(
                        b -> b.size(64, 48).inputImage(PICTURE).inpaint(new Inpaint(PICTURE, 3, 1)),
                        "'inpaint_blur_size': must be at most 2 for an image of 48 x 64 pixels, found 3"));
    }

    @ParameterizedTest
    @MethodSource
    void refused(UnaryOperator<GenerationRequest.Builder> change, String message) {
        GenerationRequest.Builder builder = change.apply(GenerationRequest.of("a leaf"));
        assertThatThrownBy(builder::build)
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith(message);
    }

    @Test
    void theLargestPictureMayBeAskedFor() {
        assertThatCode(() -> GenerationRequest.of("a leaf").size(16384, 16384).build())
                .doesNotThrowAnyException();
    }

    @Test
    void theLargestSeedIsTaken() {
        assertThat(GenerationRequest.of("a leaf").seed(4294967295L).build().seed())
                .isEqualTo(4294967295L);
    }

    @Test
    void noiseOfAnotherShapeOrWithNaNIsRefused() {
        GenerationRequest.Builder builder = GenerationRequest.of("a leaf").size(32, 48);
        try (Scope _ = new Scope()) {
            assertThatCode(() -> builder.noise(noise(0, 2, 3)).build()).doesNotThrowAnyException();
            assertThatThrownBy(() -> builder.noise(noise(0, 3, 2)).build())
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'noise': must be [1, 128, 2, 3], found [1, 128, 3, 2]");
            assertThatThrownBy(() -> builder.noise(noise(Double.NaN, 2, 3)).build())
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'noise': holds values that are not finite (NaN or infinity)");
        }
    }

    private static Tensor noise(double value, long rows, long columns) {
        return Tensors.full(value, DType.FLOAT32, Device.CPU, 1, 128, rows, columns);
    }

    @Test
    void anEditImageWithoutATokenIsRefused() {
        List<RgbImage> small = List.of(PICTURE, RgbImage.filled(new ImageSize(100, 15), 0));
        assertThatThrownBy(() -> new EditImages(small, false))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'edit_image': an image of 100 x 15 pixels is too small: without edit_image_auto_resize it "
                        + "must have at least 16 x 16");
        List<RgbImage> narrow = List.of(RgbImage.filled(new ImageSize(1, 8000), 0));
        assertThatThrownBy(() -> new EditImages(narrow, true))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'edit_image': an image of 1 x 8000 pixels is too narrow");
    }

    @Test
    void aBlurThatIsNoneIsRefused() {
        assertThatThrownBy(() -> new Inpaint(PICTURE, 0, 1e300))
                .hasMessage("'inpaint_blur_sigma': must be at most 1000000, found 1.0E300");
        assertThatThrownBy(() -> new Inpaint(PICTURE, -1, 1))
                .hasMessage("'inpaint_blur_size': must be 0 or more, found -1");
        assertThatThrownBy(() -> new Inpaint(PICTURE, 0, Double.NaN))
                .hasMessage("'inpaint_blur_sigma': must be a number above 0, found NaN");
    }

    @Test
    void aStrengthNeedsAPicture() {
        GenerationRequest.Builder builder = GenerationRequest.of("a leaf").denoisingStrength(0.5);
        assertThatThrownBy(() -> builder.build().requireImages())
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'denoising_strength': is 0.5, but there is no image to start from; give --input_image, "
                        + "or leave it out");
        assertThatCode(() -> builder.inputImage(PICTURE).build().requireImages())
                .doesNotThrowAnyException();
    }

    /// A mask of another size is stretched in the latents, as in the reference; an overlay of it would be in a wrong
    /// place.
    @Test
    void anOverlayNeedsAMaskOnTheInputImage() {
        GenerationRequest.Builder builder = GenerationRequest.of("a leaf").inpaintOverlay(true);
        assertThatThrownBy(() -> builder.build().requireImages())
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'inpaint_overlay': needs an inpaint mask: it selects what of the input image stays");
        builder.inputImage(RgbImage.filled(new ImageSize(32, 16), 0)).inpaint(new Inpaint(PICTURE));
        assertThatThrownBy(() -> builder.build().requireImages())
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'inpaint_overlay': needs a mask of the input image's size, 32 x 16 pixels");
        assertThatCode(() -> builder.inputImage(PICTURE).build().requireImages())
                .doesNotThrowAnyException();
    }
}
