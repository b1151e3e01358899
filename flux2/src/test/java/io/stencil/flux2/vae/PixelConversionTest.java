package io.stencil.flux2.vae;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import org.junit.jupiter.api.Test;

class PixelConversionTest {

    @Test
    void bytesBecomePlanesOfPixels() {
        try (Scope _ = new Scope()) {
            byte[] rgb = {0, (byte) 255, 51, (byte) 204, 102, (byte) 153};
            var pixels = PixelConversion.pixelsFromBytes(rgb, 1, 2);
            assertThat(Tensors.shape(pixels)).containsExactly(1, 3, 1, 2);
            assertThat(Tensors.toFloats(pixels))
                    .usingComparatorWithPrecision(1e-6f)
                    .containsExactly(-1f, 0.6f, 1f, -0.2f, -0.6f, 0.2f);
        }
    }

    @Test
    void pixelsAreClippedAndCutOffNotRounded() {
        try (Scope _ = new Scope()) {
            float[] values = {-1.5f, 1.5f, 0.999f, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY, 0};
            byte[] bytes = PixelConversion.bytesFromPixels(Tensors.of(values, 1, 3, 1, 2));
            // (0.999 + 1) * 127.5 = 254.87, (0 + 1) * 127.5 = 127.5; planes become triples
            assertThat(bytes).containsExactly((byte) 0, (byte) 254, (byte) 255, (byte) 255, (byte) 0, (byte) 127);
        }
    }

    @Test
    void bfloat16PixelsAreConvertedInFloat32() {
        try (Scope _ = new Scope()) {
            var pixels = DType.BFLOAT16.cast(Tensors.of(new float[] {0.5f, -0.5f, 0.25f}, 1, 3, 1, 1));
            // In bfloat16 191.25 would be 191 or 192, and 159.375 160.
            assertThat(PixelConversion.bytesFromPixels(pixels)).containsExactly((byte) 191, (byte) 63, (byte) 159);
        }
    }

    @Test
    void whatIsNoPictureIsRefused() {
        try (Scope _ = new Scope()) {
            assertThatThrownBy(() -> PixelConversion.pixelsFromBytes(new byte[5], 1, 2))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'shape': shape [1, 1, 2, 3] holds 6 elements, got 5");
            var two = Tensors.of(new float[6], 2, 3, 1, 1);
            assertThatThrownBy(() -> PixelConversion.bytesFromPixels(two))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'pixels': expected pixels [1, 3, H, W], found [2, 3, 1, 1]");
            var broken = Tensors.of(new float[] {0, Float.NaN, 0}, 1, 3, 1, 1);
            assertThatThrownBy(() -> PixelConversion.bytesFromPixels(broken))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("NaN");
        }
    }
}
