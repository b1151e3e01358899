package io.stencil.image;

/// Brings a picture to a size without bars or distortion: scaled until it covers the size, then its middle is cut out.
public final class CoverCrop {

    private CoverCrop() {}

    /// Resized with [ResampleFilter#BILINEAR] by `max(tw / w, th / h)`, sides and crop offsets rounded half to even.
    public static RgbImage to(ImageSize target, RgbImage image) {
        double scale = Math.max((double) target.width() / image.width(), (double) target.height() / image.height());
        long width = (long) Math.rint(image.width() * scale);
        long height = (long) Math.rint(image.height() * scale);
        long left = (long) Math.rint((width - target.width()) / 2.0);
        long top = (long) Math.rint((height - target.height()) / 2.0);
        return Resampler.resize(image, new Resampler.Window(width, height, left, top, target), ResampleFilter.BILINEAR);
    }
}
