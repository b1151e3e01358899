package io.stencil.pipeline.stage;

import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.image.CoverCrop;
import io.stencil.image.Mask;
import io.stencil.image.RgbImage;

/// Lays the input image over the picture that was made of it, outside of the mask.
///
/// The latents outside of the mask are the input's, and yet the decoder's picture of them is not: it loses what every
/// autoencoder loses, and it looks at more than one latent pixel, so that what is new shines into what was to stay.
public final class InpaintOverlay {

    private InpaintOverlay() {}

    /// Samples are the input's where the mask is black, the picture's where it is white, and between them mixed in the
    /// mask's shares. The mask's blur is that of the latents, in pixels.
    ///
    /// @param made the decoded picture
    /// @param input of any size; resized and cropped to the picture's
    /// @param inpaint its mask has the picture's size
    public static RgbImage over(RgbImage made, RgbImage input, Inpaint inpaint) {
        byte[] below = made.rgb();
        byte[] above = CoverCrop.to(made.size(), input).rgb();
        float[] shares = shares(inpaint, made);
        byte[] rgb = new byte[below.length];
        for (int at = 0; at < rgb.length; at++) {
            float share = shares[at / RgbImage.CHANNELS];
            rgb[at] = (byte) Math.round(share * (below[at] & 0xFF) + (1 - share) * (above[at] & 0xFF));
        }
        return RgbImage.of(made.width(), made.height(), rgb);
    }

    private static float[] shares(Inpaint inpaint, RgbImage made) {
        Mask mask = Mask.of(inpaint.mask(), made.size());
        return inpaint.blurSize() == 0
                ? mask.values()
                : mask.blurred(
                                inpaint.blurSize() * AutoencoderKlFlux2.PIXELS_PER_LATENT,
                                inpaint.blurSigma() * AutoencoderKlFlux2.PIXELS_PER_LATENT)
                        .values();
    }
}
