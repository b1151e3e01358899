package io.stencil.lab.world;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;

/// An image in the making: a plane for each channel, 0 for black to 1 for white and, before the end, beyond.
///
/// @param channels red, green, blue
public record Canvas(List<Plane> channels) {

    public Canvas {
        channels = List.copyOf(channels);
        if (channels.size() != RgbImage.CHANNELS) {
            throw new InvalidRequestException("channels", "an image has 3 channels, not " + channels.size());
        }
    }

    /// @param plane makes the plane of channel 0, 1, 2
    public static Canvas of(IntFunction<Plane> plane) {
        return new Canvas(List.of(plane.apply(0), plane.apply(1), plane.apply(2)));
    }

    public static Canvas of(RgbImage image) {
        return of(channel -> Plane.of(image.size(), (x, y) -> image.sample(x, y, channel) / 255.0));
    }

    public ImageSize size() {
        return channels.getFirst().size();
    }

    public Canvas map(UnaryOperator<Plane> change) {
        return new Canvas(channels.stream().map(change).toList());
    }

    /// The mean of a pixel's channels.
    public float mean(int x, int y) {
        return (channels.get(0).at(x, y)
                        + channels.get(1).at(x, y)
                        + channels.get(2).at(x, y))
                / 3;
    }

    /// The greatest of a pixel's channels.
    public float brightest(int x, int y) {
        return Math.max(
                channels.get(0).at(x, y),
                Math.max(channels.get(1).at(x, y), channels.get(2).at(x, y)));
    }

    /// Gaussian blur of all channels.
    public Canvas blurred(double sigma) {
        return map(plane -> plane.blurred(sigma));
    }

    /// In bytes, what is below 0 or above 1 cut off.
    public RgbImage toImage() {
        byte[] rgb = new byte[size().width() * size().height() * RgbImage.CHANNELS];
        for (int channel = 0; channel < RgbImage.CHANNELS; channel++) {
            float[] values = channels.get(channel).values();
            for (int i = 0; i < values.length; i++) {
                rgb[i * RgbImage.CHANNELS + channel] = (byte) Math.clamp(Math.round(255 * values[i]), 0, 255);
            }
        }
        return RgbImage.of(size().width(), size().height(), rgb);
    }
}
