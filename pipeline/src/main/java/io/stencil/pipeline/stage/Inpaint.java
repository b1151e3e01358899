package io.stencil.pipeline.stage;

import io.stencil.image.RgbImage;

/// Which part of the input image is made anew.
///
/// @param mask white where the picture is made anew, black where the input image stays
/// @param blurSize reach of the Gaussian blur of the mask in latent pixels; 0 for none
/// @param blurSigma its standard deviation in latent pixels
public record Inpaint(RgbImage mask, int blurSize, double blurSigma) {

    public Inpaint(RgbImage mask) {
        this(mask, 0, 1);
    }
}
