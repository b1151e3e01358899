package io.stencil.flux2.schedule;

/// Noise levels (sigmas) between 1, pure noise, and 0, evenly spaced and then shifted towards noise.
///
/// Computed in float32 in the reference's order of operations, so that every sigma equals its own to the last bit: a
/// timestep feeds a sinusoid, where a rounding error of 1e-4 is an error of 1e-4 in the phase.
final class NoiseLevels {

    private static final double LARGE_SLOPE = 0.00016927;
    private static final double LARGE_OFFSET = 0.45666666;
    private static final double SMALL_SLOPE = 8.73809524e-05;
    private static final double SMALL_OFFSET = 1.89833333;
    private static final long LARGEST_INTERPOLATED = 4300;

    private NoiseLevels() {}

    /// Levels from `1/n + (1 - 1/n) * strength` down to `1/n`, shifted by `mu`:
    /// `e^mu / (e^mu + 1/sigma - 1)`.
    static float[] shifted(int steps, double strength, double mu) {
        double lowest = 1.0 / steps;
        float[] levels = evenlySpaced(lowest + (1 - lowest) * strength, lowest, steps);
        float shift = (float) Math.exp(mu);
        for (int i = 0; i < steps; i++) {
            // beyond float32, as for the largest images, the limit
            levels[i] = Float.isInfinite(shift) ? 1 : 1 / (shift + (1 / levels[i] - 1)) * shift;
        }
        return levels;
    }

    /// The shift for inference, from the number of steps and the length of the picture in tokens.
    static double mu(long length, int steps) {
        double large = LARGE_SLOPE * length + LARGE_OFFSET;
        if (length > LARGEST_INTERPOLATED) {
            return large;
        }
        double atTenSteps = SMALL_SLOPE * length + SMALL_OFFSET;
        double slope = (large - atTenSteps) / 190;
        return slope * steps + (large - 200 * slope);
    }

    /// Counted up from `start` in the first half and down from `end` in the second, as libtorch's `linspace` does.
    private static float[] evenlySpaced(double start, double end, int count) {
        float[] points = new float[count];
        float first = (float) start;
        float last = (float) end;
        float step = count == 1 ? 0 : (last - first) / (count - 1);
        for (int i = 0; i < count; i++) {
            points[i] = count == 1 || i < count / 2 ? Math.fma(step, i, first) : Math.fma(-step, count - 1 - i, last);
        }
        return points;
    }
}
