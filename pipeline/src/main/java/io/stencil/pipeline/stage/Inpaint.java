package io.stencil.pipeline.stage;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.RgbImage;

/// Which part of the input image is made anew.
///
/// @param mask white where the picture is made anew, black where the input image stays
/// @param blurSize reach of the Gaussian blur of the mask in latent pixels; 0 for none
/// @param blurSigma its standard deviation in latent pixels
/// @param overlay whether the picture's samples outside of the mask are the input image's too, and not only the latents
///     (see [InpaintOverlay])
public record Inpaint(RgbImage mask, int blurSize, double blurSigma, boolean overlay) {

    /// @throws InvalidRequestException for a negative reach, and a deviation that is no number above 0
    public Inpaint {
        if (blurSize < 0) {
            throw new InvalidRequestException("inpaint_blur_size", "must be 0 or more, found " + blurSize);
        }
        if (!(blurSigma > 0 && Double.isFinite(blurSigma))) {
            throw new InvalidRequestException("inpaint_blur_sigma", "must be a number above 0, found " + blurSigma);
        }
    }

    /// Without overlay, as the reference implementation does it.
    public Inpaint(RgbImage mask, int blurSize, double blurSigma) {
        this(mask, blurSize, blurSigma, false);
    }

    /// Without blur or overlay.
    public Inpaint(RgbImage mask) {
        this(mask, 0, 1);
    }

    /// The same, and the input image is laid over the picture outside of the mask.
    public Inpaint overlaid() {
        return new Inpaint(mask, blurSize, blurSigma, true);
    }
}
