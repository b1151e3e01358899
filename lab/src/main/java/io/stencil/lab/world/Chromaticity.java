package io.stencil.lab.world;

import java.util.List;
import java.util.function.Function;

/// A colour without its brightness: the shares of the channels in their sum.
record Chromaticity(double red, double green, double blue) {

    /// The shares; those of grey for black.
    static Chromaticity of(double red, double green, double blue) {
        double sum = red + green + blue;
        return sum <= 0
                ? new Chromaticity(1 / 3.0, 1 / 3.0, 1 / 3.0)
                : new Chromaticity(red / sum, green / sum, blue / sum);
    }

    private static Chromaticity of(Albedo albedo) {
        return of(albedo.red(), albedo.green(), albedo.blue());
    }

    /// The choice whose colour under white light is nearest.
    <T> T nearest(List<T> choices, Function<T, Albedo> colour) {
        T best = choices.getFirst();
        double least = Double.POSITIVE_INFINITY;
        for (T choice : choices) {
            double distance = distance(of(colour.apply(choice)));
            if (distance < least) {
                least = distance;
                best = choice;
            }
        }
        return best;
    }

    private double distance(Chromaticity other) {
        return Math.hypot(Math.hypot(red - other.red, green - other.green), blue - other.blue);
    }
}
