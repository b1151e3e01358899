package io.stencil.template.value;

import io.stencil.error.InvalidRequestException;

/// The input of a Template of the value family.
///
/// @param scale the number; trained Templates say which range they know, usually 0..1
public record ValueInput(double scale) {

    private static final double MAX_SCALE = 1e6;

    /// @throws InvalidRequestException for NaN, infinity and absolute values above 1000000, of which no network knows
    ///     the sinusoid
    public ValueInput {
        if (!(Math.abs(scale) <= MAX_SCALE)) {
            throw new InvalidRequestException("scale", "must be a number from -1000000 to 1000000, found " + scale);
        }
    }
}
