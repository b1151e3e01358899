package io.stencil.image;

/// The kernel that weighs source pixels when a picture is resized; widened by the factor of reduction, so that
/// shrinking averages instead of skipping.
public enum ResampleFilter {
    /// A triangle.
    BILINEAR(1) {
        @Override
        double weight(double distance) {
            double x = Math.abs(distance);
            return x < 1 ? 1 - x : 0;
        }
    },

    /// The cubic convolution of R. Keys (1981) with a = -1/2.
    BICUBIC(2) {
        @Override
        double weight(double distance) {
            double x = Math.abs(distance);
            if (x < 1) {
                return ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1;
            }
            return x < 2 ? (((x - 5) * x + 8) * x - 4) * CUBIC : 0;
        }
    };

    private static final double CUBIC = -0.5;

    private final double support;

    ResampleFilter(double support) {
        this.support = support;
    }

    /// Distance, in source pixels of an enlarged picture, from which on a pixel has no weight.
    double support() {
        return support;
    }

    /// @param distance from the centre of the kernel, of either sign
    abstract double weight(double distance);
}
