package io.stencil.flux2.vae;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;

/// Images as bytes, 0 to 255, and as the VAE's pixels, -1 to 1.
public final class PixelConversion {

    private PixelConversion() {}

    /// Pixels of an image: `byte * (2 / 255) - 1`.
    ///
    /// @param rgb red, green and blue of every pixel, row by row
    /// @return float32 `[1, 3, H, W]` on the CPU, owned by the caller's scope
    /// @throws InvalidRequestException when there are not 3 bytes for each pixel
    public static Tensor pixelsFromBytes(byte[] rgb, int height, int width) {
        try (Scope scope = new Scope()) {
            Tensor bytes = DType.FLOAT32.cast(Tensors.ofBytes(rgb, 1, height, width, 3));
            Tensor pixels = Ops.add(Ops.mul(bytes, 2.0 / 255), -1);
            return scope.keep(pixels.permute(0, 3, 1, 2).contiguous());
        }
    }

    /// Bytes of one image: `(pixel + 1) * 127.5`, clipped to 0..255 and cut off to a whole number.
    ///
    /// @param pixels `[1, 3, H, W]`
    /// @return red, green and blue of every pixel, row by row
    /// @throws InvalidRequestException for another shape, or when a pixel is not a number
    public static byte[] bytesFromPixels(Tensor pixels) {
        if (pixels.dim() != 4 || pixels.size(0) != 1 || pixels.size(1) != 3) {
            throw new InvalidRequestException(
                    "pixels", "expected pixels [1, 3, H, W], found " + Arrays.toString(Tensors.shape(pixels)));
        }
        try (Scope _ = new Scope()) {
            Tensor rows = DType.FLOAT32.cast(pixels.detach()).permute(0, 2, 3, 1);
            if (Tensors.toDouble(rows.isnan().any()) != 0) {
                throw new InvalidRequestException("pixels", "the image holds pixels that are not numbers (NaN)");
            }
            Tensor scaled = Ops.clamp(Ops.mul(Ops.add(rows, 1), 127.5), 0, 255);
            return Tensors.toBytes(scaled);
        }
    }
}
