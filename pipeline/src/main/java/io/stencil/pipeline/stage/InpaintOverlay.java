package io.stencil.pipeline.stage;

import io.stencil.image.CoverCrop;
import io.stencil.image.ResampleFilter;
import io.stencil.image.Resampler;
import io.stencil.image.RgbImage;

/// Lays the input image over the picture that was made of it, outside of the mask.
///
/// The latents outside of the mask are the input's, and yet the decoder's picture of them is not: it loses what every
/// autoencoder loses, and it looks at more than one latent pixel, so that what is new shines into what was to stay.
public final class InpaintOverlay {

    private static final int FULL = 255;

    private InpaintOverlay() {}

    /// Samples are the input's where the mask is black, the picture's where it is white, and mixed in the mask's shares
    /// between. Input and mask are brought to the picture's size as for the latents.
    ///
    /// @param input as the request has it, of any size
    /// @param made the decoded picture
    public static RgbImage over(RgbImage made, RgbImage input, RgbImage mask) {
        byte[] below = made.rgb();
        byte[] above = CoverCrop.to(made.size(), input).rgb();
        byte[] shares =
                Resampler.resize(mask, made.size(), ResampleFilter.BICUBIC).rgb();
        byte[] rgb = new byte[below.length];
        for (int pixel = 0; pixel < rgb.length; pixel += RgbImage.CHANNELS) {
            int share = (shares[pixel] & 0xFF) + (shares[pixel + 1] & 0xFF) + (shares[pixel + 2] & 0xFF);
            for (int at = pixel; at < pixel + RgbImage.CHANNELS; at++) {
                rgb[at] = mixed(below[at] & 0xFF, above[at] & 0xFF, share);
            }
        }
        return RgbImage.of(made.width(), made.height(), rgb);
    }

    /// @param share of `made`, as the sum of three samples
    private static byte mixed(int made, int input, int share) {
        int whole = RgbImage.CHANNELS * FULL;
        return (byte) ((made * share + input * (whole - share) + whole / 2) / whole);
    }
}
