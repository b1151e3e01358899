package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import java.awt.geom.Point2D;
import java.util.List;
import java.util.stream.IntStream;

/// A scene without light: what share of it each pixel throws back.
///
/// @param coverage how much of each pixel the shape covers
/// @param albedo of each pixel and channel
public record Surface(Plane coverage, Canvas albedo) {

    /// Relative strength of the texture, of a background and of a shape.
    private static final double ROUGH = 0.11;

    private static final double SMOOTH = 0.08;

    /// Strength of the grain, which is the same in all channels.
    private static final double GRAIN = 0.012;

    /// Steps of the texture's lattice along a side of the image.
    private static final double FREQUENCY = 6;

    private static final int OCTAVES = 3;

    /// Values from here on are bent, so that bright light is not cut off.
    private static final double KNEE = 0.82;

    public static Surface of(Scene scene, ImageSize size) {
        Plane coverage = Renderer.coverage(scene.described().figure(), scene.placement(), size);
        ValueNoise noise = new ValueNoise(scene.texture());
        Plane behind = texture(noise, 0, ROUGH, size);
        Plane inside = texture(noise, 100, SMOOTH, size);
        Plane grain = Plane.of(size, (x, y) -> 1 + GRAIN * 2 * (noise.at(x + 0.5, 500.5 + y, 1) - 0.5));
        Canvas albedo = Canvas.of(channel -> {
            double shape = scene.described().colour().albedo().channel(channel);
            double back = scene.described().background().albedo().channel(channel);
            return Plane.of(size, (x, y) -> {
                double mixed = mixed(coverage.at(x, y), shape * inside.at(x, y), back * behind.at(x, y));
                return mixed * grain.at(x, y);
            });
        });
        return new Surface(coverage, albedo);
    }

    private static Plane texture(ValueNoise noise, double row, double strength, ImageSize size) {
        double perX = FREQUENCY / size.width();
        double perY = FREQUENCY / size.height();
        return Plane.of(size, (x, y) -> 1 + strength * 2 * (noise.at(x * perX, row + y * perY, OCTAVES) - 0.5));
    }

    /// With something else painted over it.
    ///
    /// @param cover of each pixel
    public Surface under(Plane cover, Light.Albedo paint) {
        Canvas painted = Canvas.of(channel -> {
            Plane below = albedo.channels().get(channel);
            return Plane.of(size(), (x, y) -> mixed(cover.at(x, y), paint.channel(channel), below.at(x, y)));
        });
        return new Surface(coverage, painted);
    }

    private static double mixed(double share, double first, double second) {
        return share * first + (1 - share) * second;
    }

    public ImageSize size() {
        return coverage.size();
    }

    /// Lights the surface.
    public Canvas lit(Light light) {
        Canvas fallen = Canvas.of(channel -> Plane.of(size(), (x, y) -> {
            double falls = light.at((x + 0.5) / size().width(), (y + 0.5) / size().height(), channel);
            return falls * albedo.channels().get(channel).at(x, y);
        }));
        Plane factor = Plane.of(size(), (x, y) -> factor(fallen.brightest(x, y)));
        return fallen.map(plane -> Plane.of(size(), (x, y) -> plane.at(x, y) * factor.at(x, y)));
    }

    /// Computes the factor that keeps the brightest channel below 1. All channels share it, so a hue stays what it is.
    private static double factor(double brightest) {
        double room = 1 - KNEE;
        return brightest < KNEE ? 1 : (KNEE + room * (1 - StrictMath.exp((KNEE - brightest) / room))) / brightest;
    }

    /// Smooth random values over the plane, as in clouds and grass: lattice noise, summed over octaves.
    ///
    /// @param seed two of the same seed are equal everywhere
    private record ValueNoise(long seed) {

        /// Fractal noise in 0..1: each octave has twice the frequency and half the weight of the one before.
        double at(double x, double y, int octaves) {
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

    /// A row of white dots along the bottom, as many as a number says, from the left.
    public static final class Dots {

        /// Most dots that there is room for.
        public static final int MOST = 5;

        /// In sides of the image.
        public static final double RADIUS = 0.042;

        private static final double FIRST = 0.1;
        private static final double STEP = 0.2;
        private static final double DOWN = 0.91;

        private Dots() {}

        /// Where the middles of the dots are, in sides of the image.
        public static List<Point2D> places() {
            return IntStream.range(0, MOST)
                    .<Point2D>mapToObj(i -> new Point2D.Double(FIRST + i * STEP, DOWN))
                    .toList();
        }

        /// @param count 0 to [#MOST]
        public static Surface on(Surface surface, int count) {
            ImageSize size = surface.size();
            List<Point2D> places = places().subList(0, count);
            Plane cover = Plane.of(size, (x, y) -> {
                double nearest = places.stream()
                        .mapToDouble(dot -> dot.distance((x + 0.5) / size.width(), (y + 0.5) / size.height()))
                        .min()
                        .orElse(1);
                return Math.clamp(0.5 + (RADIUS - nearest) * size.width() / 1.5, 0, 1);
            });
            return surface.under(cover, Description.ShapeColour.WHITE.albedo());
        }
    }
}
