package io.stencil.lab.world;

import io.stencil.image.GaussianBlur;
import io.stencil.image.ImageSize;

/// One number for each pixel of an image.
public final class Plane {

    /// Standard deviations that a blur reaches to each side.
    private static final double REACH = 3;

    /// A value for a place.
    @FunctionalInterface
    public interface Value {
        double at(int x, int y);
    }

    private final ImageSize size;
    private final float[] values;

    private Plane(ImageSize size, float[] values) {
        this.size = size;
        this.values = values;
    }

    public static Plane of(ImageSize size, Value value) {
        float[] values = new float[size.width() * size.height()];
        int at = 0;
        for (int y = 0; y < size.height(); y++) {
            for (int x = 0; x < size.width(); x++) {
                values[at++] = (float) value.at(x, y);
            }
        }
        return new Plane(size, values);
    }

    public ImageSize size() {
        return size;
    }

    public float at(int x, int y) {
        return values[y * size.width() + x];
    }

    /// The values in rows, to be read only.
    public float[] values() {
        return values;
    }

    public double mean() {
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        return sum / values.length;
    }

    /// Gaussian blur; the plane itself for a deviation of 0.
    ///
    /// @param sigma standard deviation in pixels, 0 or more
    public Plane blurred(double sigma) {
        int reach = (int) Math.ceil(REACH * sigma);
        return reach == 0 ? this : new Plane(size, GaussianBlur.of(reach, sigma).apply(size, values));
    }
}
