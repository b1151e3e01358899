package io.stencil.template.image;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageSize;
import io.stencil.image.Mask;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import org.bytedeco.pytorch.Tensor;

/// An image of which a part is to be made anew, as [ImageKeyValues] sees it: that part is grey, and one more channel
/// of the latents marks its place.
public final class MaskedImage {

    /// Channels of the latents behind those of the image.
    public static final int EXTRA_CHANNELS = 1;

    private static final byte GREY = (byte) 0x80;
    private static final int WHITE_FROM = 128;
    private static final int PIXELS_PER_TOKEN = 16;

    private MaskedImage() {}

    /// The stage without gradients.
    ///
    /// @param mask white where the image is made anew; it has the image's size
    /// @return latents of 129 channels, owned by the caller's scope
    /// @throws InvalidRequestException when the sizes differ
    public static EncodedImage encode(RgbImage image, RgbImage mask, String prompt, ModelSet models) {
        if (!image.size().equals(mask.size())) {
            throw new InvalidRequestException(
                    "mask", "has %s pixels, the image %s; give both one size".formatted(mask.size(), image.size()));
        }
        EncodedImage seen = ImageKeyValues.encode(blanked(image, mask), prompt, models);
        int columns = image.width() / PIXELS_PER_TOKEN;
        int rows = image.height() / PIXELS_PER_TOKEN;
        float[] places = Mask.of(mask, new ImageSize(columns, rows)).values();
        Tensor channel = Device.of(seen.latents())
                .place(Tensors.of(places, 1, EXTRA_CHANNELS, rows, columns), DType.of(seen.latents()));
        return new EncodedImage(Ops.cat(1, seen.latents(), channel), seen.prompt());
    }

    static RgbImage blanked(RgbImage image, RgbImage mask) {
        byte[] rgb = image.rgb().clone();
        for (int at = 0; at < rgb.length; at++) {
            if ((mask.rgb()[at] & 0xFF) >= WHITE_FROM) {
                rgb[at] = GREY;
            }
        }
        return RgbImage.of(image.width(), image.height(), rgb);
    }
}
