package io.stencil.flux2.vae;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.CancellationToken;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.pytorch.Tensor;

/// A linear map from the latents to the pixels, for previews while an image is denoised: each latent pixel gives the
/// 16 x 16 pixels that it stands for.
///
/// Fitted to a VAE by least squares over sample images that it encodes and decodes. The samples are painted from fixed
/// numbers, so that a VAE has one map. An image of more than 128 x 128 pixels comes out smaller, by the means of
/// pixels: means of a least-squares fit are the fit of the means.
public final class LatentPreview {

    private static final int PATCH = AutoencoderKlFlux2.PIXELS_PER_LATENT;
    private static final int SAMPLES = 24;
    private static final int SIDE = 64;

    /// Ridge in shares of the samples: latents are normalised.
    private static final double RIDGE = 0.02;

    /// Most pixels of a preview, where an image has not more latent pixels.
    private static final long MOST_PIXELS = 128 * 128;

    private final int channels;

    /// `[channels + 1, 3, 16, 16]`, the offset last.
    private final double[] weights;

    /// `[channels + 1, 3 * patch * patch]`, by patch.
    private final Map<Integer, float[]> reduced = new ConcurrentHashMap<>();

    private LatentPreview(int channels, double[] weights) {
        this.channels = channels;
        this.weights = weights;
    }

    /// Fits the map to a VAE, which takes about as long as to encode and decode an image of 320 x 320 pixels.
    ///
    /// @param dtype in which the VAE computes
    /// @throws InvalidRequestException when the VAE gives values that are not finite
    /// @throws io.stencil.error.CancelledException when the calling thread is to stop
    public static LatentPreview fit(AutoencoderKlFlux2 vae, Device device, DType dtype) {
        int channels = vae.config().foldedChannels();
        int inputs = channels + 1;
        int outputs = 3 * PATCH * PATCH;
        double[] squares = new double[inputs * inputs];
        double[] products = new double[inputs * outputs];
        for (int number = 0; number < SAMPLES; number++) {
            CancellationToken.check();
            try (Scope _ = new Scope()) {
                Tensor pixels = PixelConversion.pixelsFromBytes(SampleImage.paint(number, SIDE), SIDE, SIDE);
                Tensor latents = vae.encode(device.place(pixels, dtype));
                Tensor decoded = Ops.clamp(Device.CPU.place(vae.decode(latents), DType.FLOAT64), -1, 1);
                Tensor x = Device.CPU
                        .place(latents, DType.FLOAT64)
                        .flatten(2, 3)
                        .squeeze(0)
                        .t(); // [T, C]
                Tensor ones = Tensors.full(1, DType.FLOAT64, Device.CPU, x.size(0), 1);
                Tensor rows = Ops.cat(1, x, ones); // [T, C + 1]
                add(squares, rows.t().matmul(rows));
                add(products, rows.t().matmul(patches(decoded)));
            }
        }
        double tokens = (double) SAMPLES * (SIDE / PATCH) * (SIDE / PATCH);
        for (int i = 0; i < channels; i++) {
            squares[i * inputs + i] += RIDGE * tokens;
        }
        double[] weights = LeastSquares.solve(squares, products, inputs);
        for (double weight : weights) {
            if (!Double.isFinite(weight)) {
                throw new InvalidRequestException(
                        "vae", "gives values that are not finite (NaN or infinity) for sample images; use another VAE");
            }
        }
        return new LatentPreview(channels, weights);
    }

    private static void add(double[] sums, Tensor terms) {
        double[] values = Tensors.toDoubles(terms);
        for (int i = 0; i < sums.length; i++) {
            sums[i] += values[i];
        }
    }

    /// @param pixels `[1, 3, H, W]`
    /// @return `[H/16 * W/16, 3 * 16 * 16]`
    private static Tensor patches(Tensor pixels) {
        return pixels.unflatten(2, pixels.size(2) / PATCH, PATCH)
                .unflatten(4, pixels.size(3) / PATCH, PATCH) // [1, 3, h, 16, w, 16]
                .permute(0, 2, 4, 1, 3, 5)
                .reshape(-1, 3L * PATCH * PATCH);
    }

    /// The approximate pixels of latents.
    ///
    /// @param latents normalised, `[B, C, h, w]`, on any device
    /// @return about -1 to 1 but not clipped, `[B, 3, p * h, p * w]`, float32 on the CPU, owned by the caller's
    ///     scope; p is 16, 8, 4, 2 or 1: the largest that gives no more than 16384 pixels, else 1
    /// @throws InvalidRequestException when `latents` is of another shape
    public Tensor pixels(Tensor latents) {
        if (latents.dim() != 4 || latents.size(1) != channels) {
            throw new InvalidRequestException("latents", "expected [B, %s, H/16, W/16]".formatted(channels));
        }
        long h = latents.size(2);
        long w = latents.size(3);
        int patch = PATCH;
        while (patch > 1 && h * w * patch * patch > MOST_PIXELS) {
            patch /= 2;
        }
        float[] map = reduced.computeIfAbsent(patch, this::reduce);
        try (Scope scope = new Scope()) {
            Tensor rows = Device.CPU
                    .place(latents.detach(), DType.FLOAT32)
                    .flatten(2, 3)
                    .transpose(1, 2); // [B, h * w, C]
            Tensor all = Tensors.of(map, channels + 1, 3L * patch * patch);
            Tensor values = rows.matmul(all.narrow(0, 0, channels)).add(all.narrow(0, channels, 1));
            return scope.keep(values.reshape(latents.size(0), h, w, 3, patch, patch)
                    .permute(0, 3, 1, 4, 2, 5)
                    .reshape(latents.size(0), 3, h * patch, w * patch));
        }
    }

    /// Averages the pixels that one pixel of a smaller patch stands for.
    ///
    /// @return `[channels + 1, 3 * patch * patch]`
    private float[] reduce(int patch) {
        int size = 3 * patch * patch;
        int factor = PATCH / patch;
        float[] all = new float[(channels + 1) * size];
        for (int input = 0; input <= channels; input++) {
            for (int output = 0; output < size; output++) {
                int colour = output / (patch * patch);
                int row = output / patch % patch * factor;
                int column = output % patch * factor;
                double sum = 0;
                for (int y = row; y < row + factor; y++) {
                    for (int x = column; x < column + factor; x++) {
                        sum += weights[((input * 3 + colour) * PATCH + y) * PATCH + x];
                    }
                }
                all[input * size + output] = (float) (sum / (factor * factor));
            }
        }
        return all;
    }

    /// Solves the normal equations.
    private static final class LeastSquares {

        private LeastSquares() {}

        /// @param a symmetric and positive, `[n, n]`; it is overwritten by its Cholesky factor
        /// @param b `[n, m]`
        /// @return x with `a x = b`, `[n, m]`
        static double[] solve(double[] a, double[] b, int n) {
            for (int j = 0; j < n; j++) {
                for (int i = j; i < n; i++) {
                    double sum = a[i * n + j];
                    for (int k = 0; k < j; k++) {
                        sum -= a[i * n + k] * a[j * n + k];
                    }
                    a[i * n + j] = i == j ? Math.sqrt(sum) : sum / a[j * n + j];
                }
            }
            int m = b.length / n;
            double[] x = b.clone();
            for (int i = 0; i < n; i++) {
                for (int k = 0; k < i; k++) {
                    subtract(x, m, i, k, a[i * n + k]);
                }
                divide(x, m, i, a[i * n + i]);
            }
            for (int i = n - 1; i >= 0; i--) {
                for (int k = i + 1; k < n; k++) {
                    subtract(x, m, i, k, a[k * n + i]);
                }
                divide(x, m, i, a[i * n + i]);
            }
            return x;
        }

        private static void subtract(double[] x, int m, int row, int other, double factor) {
            for (int j = 0; j < m; j++) {
                x[row * m + j] -= factor * x[other * m + j];
            }
        }

        private static void divide(double[] x, int m, int row, double divisor) {
            for (int j = 0; j < m; j++) {
                x[row * m + j] /= divisor;
            }
        }
    }

    /// Images with what photographs and drawings are made of: gradients, edges in all colours, and textures.
    private static final class SampleImage {

        private static final int SHAPES = 10;

        private SampleImage() {}

        /// @return red, green and blue of every pixel, row by row
        static byte[] paint(int number, int side) {
            Random random = new Random(number); // whose numbers are the same on every Java
            double[][] image = new double[side * side][];
            double[] from = colour(random);
            double[] to = colour(random);
            double angle = 2 * Math.PI * random.nextDouble();
            for (int at = 0; at < image.length; at++) {
                double along = Math.cos(angle) * (at % side) + Math.sin(angle) * ((double) at / side);
                double share = Math.clamp(0.5 + along / (2 * side), 0, 1);
                image[at] = new double[] {mix(from, to, share, 0), mix(from, to, share, 1), mix(from, to, share, 2)};
            }
            for (int shape = 0; shape < SHAPES; shape++) {
                draw(image, side, random, shape);
            }
            return bytes(image, random, number % 2 == 0 ? 0 : 12);
        }

        private static double[] colour(Random random) {
            return new double[] {255 * random.nextDouble(), 255 * random.nextDouble(), 255 * random.nextDouble()};
        }

        private static double mix(double[] from, double[] to, double share, int channel) {
            return (1 - share) * from[channel] + share * to[channel];
        }

        /// Draws a disc, a box or a box of stripes.
        private static void draw(double[][] image, int side, Random random, int shape) {
            double[] colour = colour(random);
            double x = side * random.nextDouble();
            double y = side * random.nextDouble();
            double width = side * (0.05 + 0.3 * random.nextDouble());
            double height = side * (0.05 + 0.3 * random.nextDouble());
            double period = 2 + 14 * random.nextDouble();
            for (int at = 0; at < image.length; at++) {
                double dx = (at % side - x) / width;
                double dy = (Math.floorDiv(at, side) - y) / height;
                boolean inside = shape % 3 == 0 ? dx * dx + dy * dy < 1 : Math.abs(dx) < 1 && Math.abs(dy) < 1;
                if (inside && (shape % 3 != 2 || (int) ((at % side + Math.floorDiv(at, side)) / period) % 2 == 0)) {
                    image[at] = colour;
                }
            }
        }

        private static byte[] bytes(double[][] image, Random random, double noise) {
            byte[] rgb = new byte[image.length * 3];
            for (int at = 0; at < rgb.length; at++) {
                rgb[at] = (byte) Math.clamp(Math.round(image[at / 3][at % 3] + noise * random.nextGaussian()), 0, 255);
            }
            return rgb;
        }
    }
}
