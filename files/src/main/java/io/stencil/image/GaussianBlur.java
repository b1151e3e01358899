package io.stencil.image;

import io.stencil.error.InvalidRequestException;

/// Blurs a plane of floats with a Gaussian kernel, borders reflected without repeating the edge (`d c b | a b c d | c b
/// a`).
public final class GaussianBlur {

    private final double[] kernel;

    private GaussianBlur(double[] kernel) {
        this.kernel = kernel;
    }

    /// Samples a kernel at `2 * reach + 1` places of exp(-x² / (2 sigma²)), with sum 1.
    public static GaussianBlur of(int reach, double sigma) {
        if (reach < 0) {
            throw new InvalidRequestException("inpaint_blur_size", "must be 0 or more, found " + reach);
        }
        if (!(sigma > 0 && Double.isFinite(sigma))) {
            throw new InvalidRequestException("inpaint_blur_sigma", "must be more than 0, found " + sigma);
        }
        double[] kernel = new double[2 * reach + 1];
        double sum = 0;
        for (int i = 0; i < kernel.length; i++) {
            kernel[i] = Math.exp(-0.5 * Math.pow((i - reach) / sigma, 2));
            sum += kernel[i];
        }
        for (int i = 0; i < kernel.length; i++) {
            kernel[i] /= sum;
        }
        return new GaussianBlur(kernel);
    }

    /// @param plane `[height, width]`; not changed
    public float[] apply(ImageSize size, float[] plane) {
        int reach = kernel.length / 2;
        if (reach >= Math.min(size.width(), size.height())) {
            throw new InvalidRequestException(
                    "inpaint_blur_size",
                    "%s is too large for a mask of %s latent tokens; use at most %s"
                            .formatted(reach, size, Math.min(size.width(), size.height()) - 1));
        }
        double[] across = new double[plane.length];
        float[] result = new float[plane.length];
        for (int y = 0; y < size.height(); y++) {
            for (int x = 0; x < size.width(); x++) {
                double sum = 0;
                for (int k = 0; k < kernel.length; k++) {
                    sum += kernel[k] * plane[y * size.width() + reflected(x + k - reach, size.width())];
                }
                across[y * size.width() + x] = sum;
            }
        }
        for (int y = 0; y < size.height(); y++) {
            for (int x = 0; x < size.width(); x++) {
                double sum = 0;
                for (int k = 0; k < kernel.length; k++) {
                    sum += kernel[k] * across[reflected(y + k - reach, size.height()) * size.width() + x];
                }
                result[y * size.width() + x] = (float) sum;
            }
        }
        return result;
    }

    private static int reflected(int at, int length) {
        int positive = Math.abs(at);
        return positive < length ? positive : 2 * (length - 1) - positive;
    }
}
