package io.stencil.lab.world;

/// Smooth random values over the plane, as in clouds and grass: lattice noise, summed over octaves.
///
/// @param seed two of the same seed are equal everywhere
public record ValueNoise(long seed) {

    /// Fractal noise in 0..1: each octave has twice the frequency and half the weight of the one before.
    public double at(double x, double y, int octaves) {
        double sum = 0;
        double weight = 1;
        double total = 0;
        for (int octave = 0; octave < octaves; octave++) {
            sum += weight * smooth(x * (1 << octave), y * (1 << octave), octave);
            total += weight;
            weight /= 2;
        }
        return sum / total;
    }

    private double smooth(double x, double y, int octave) {
        long column = (long) Math.floor(x);
        long row = (long) Math.floor(y);
        double u = ease(x - column);
        double v = ease(y - row);
        double top = mix(lattice(column, row, octave), lattice(column + 1, row, octave), u);
        double bottom = mix(lattice(column, row + 1, octave), lattice(column + 1, row + 1, octave), u);
        return mix(top, bottom, v);
    }

    /// A value in 0..1 for a lattice point, by the mixing steps of SplitMix64 (Steele, Lea and Flood 2014).
    private double lattice(long column, long row, int octave) {
        long z = seed + column * 0x9E3779B97F4A7C15L + row * 0xC2B2AE3D27D4EB4FL + octave * 0x165667B19E3779F9L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return ((z ^ (z >>> 31)) >>> 11) * 0x1p-53;
    }

    private static double ease(double t) {
        return t * t * (3 - 2 * t);
    }

    private static double mix(double a, double b, double t) {
        return a + (b - a) * t;
    }
}
