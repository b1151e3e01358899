package io.stencil.lab.world;

import io.stencil.error.InvalidRequestException;

/// The share of light that a surface throws back, for each channel.
///
/// @param red 0..1
/// @param green 0..1
/// @param blue 0..1
public record Albedo(double red, double green, double blue) {

    public double channel(int index) {
        return switch (index) {
            case 0 -> red;
            case 1 -> green;
            case 2 -> blue;
            default -> throw new InvalidRequestException("index", "channel " + index + " of red, green, blue");
        };
    }
}
