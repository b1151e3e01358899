package io.stencil.pipeline.stage;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.CoverCrop;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;

/// Which part of the input image is made anew.
///
/// @param mask white where the picture is made anew, black where the input image stays
/// @param blurSize reach of the Gaussian blur of the mask in latent pixels; 0 for none
/// @param blurSigma its standard deviation in latent pixels
public record Inpaint(RgbImage mask, int blurSize, double blurSigma) {

    private static final double MAX_SIGMA = 1e6;

    /// @throws InvalidRequestException for a negative reach, and a deviation that is no number above 0 up to 1000000
    public Inpaint {
        if (blurSize < 0) {
            throw new InvalidRequestException("inpaint_blur_size", "must be 0 or more, found " + blurSize);
        }
        if (!(blurSigma > 0 && Double.isFinite(blurSigma))) {
            throw new InvalidRequestException("inpaint_blur_sigma", "must be a number above 0, found " + blurSigma);
        }
        if (blurSigma > MAX_SIGMA) {
            throw new InvalidRequestException("inpaint_blur_sigma", "must be at most 1000000, found " + blurSigma);
        }
    }

    public Inpaint(RgbImage mask) {
        this(mask, 0, 1);
    }

    /// The same with the mask resized and cropped to the picture's size as the input image is, on which it lies.
    public Inpaint croppedTo(ImageSize size) {
        return new Inpaint(CoverCrop.to(size, mask), blurSize, blurSigma);
    }
}
