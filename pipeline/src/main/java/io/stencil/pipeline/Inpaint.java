package io.stencil.pipeline;

import io.stencil.error.Arguments;
import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.image.ImageSize;
import io.stencil.image.Mask;
import io.stencil.image.Resampler;
import io.stencil.image.RgbImage;
import io.stencil.tensor.Tensors;
import org.bytedeco.pytorch.Tensor;

/// The part of the input image that is generated anew.
///
/// @param mask white where the image is made anew, black where the input image stays
/// @param blurSize reach of the Gaussian blur of the mask in latent pixels; 0 for none
/// @param blurSigma its standard deviation in latent pixels
public record Inpaint(RgbImage mask, int blurSize, double blurSigma) {

    private static final double MAX_SIGMA = 1e6;

    /// @throws InvalidRequestException for a negative reach, and a deviation that is no number above 0 up to 1000000
    public Inpaint {
        Arguments.require("inpaint_mask", mask);
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

    /// Resizes and crops the mask to the image's size, as the input image is.
    public Inpaint croppedTo(ImageSize size) {
        return new Inpaint(Resampler.cover(mask, size), blurSize, blurSigma);
    }

    /// Resizes the mask to the latents of an image, and blurs it.
    ///
    /// @param size of the generated image; both sides are multiples of 16
    /// @return 1 where the image is made anew, float32 `[1, Si, 1]` on the CPU
    Tensor latentMask(ImageSize size) {
        Mask resized = Mask.of(mask, new ImageSize(size.width() / 16, size.height() / 16));
        float[] values = blurSize == 0
                ? resized.values()
                : resized.blurred(blurSize, blurSigma).values();
        return Tensors.of(values, 1, values.length, 1);
    }

    /// Lays the input image over the generated one, outside of the mask.
    ///
    /// The latents outside of the mask are the input's, and yet the decoder's image of them is not: it loses what
    /// every autoencoder loses, and its receptive field is more than one latent pixel, so that what is new shines
    /// into what was to stay. Samples are the input's where the mask is black, the generated image's where it is
    /// white, and between them mixed in the mask's shares. The mask's blur is that of the latents, in pixels.
    ///
    /// @param generated the decoded image, of the mask's size
    /// @param input of any size; resized and cropped to the generated image's
    RgbImage overlay(RgbImage generated, RgbImage input) {
        byte[] below = generated.rgb();
        byte[] above = Resampler.cover(input, generated.size()).rgb();
        float[] shares = shares(generated.size());
        byte[] rgb = new byte[below.length];
        for (int at = 0; at < rgb.length; at++) {
            float share = shares[at / RgbImage.CHANNELS];
            rgb[at] = (byte) Math.round(share * (below[at] & 0xFF) + (1 - share) * (above[at] & 0xFF));
        }
        return RgbImage.of(generated.width(), generated.height(), rgb);
    }

    private float[] shares(ImageSize size) {
        Mask resized = Mask.of(mask, size);
        return blurSize == 0
                ? resized.values()
                : resized.blurred(
                                blurSize * AutoencoderKlFlux2.PIXELS_PER_LATENT,
                                blurSigma * AutoencoderKlFlux2.PIXELS_PER_LATENT)
                        .values();
    }
}
