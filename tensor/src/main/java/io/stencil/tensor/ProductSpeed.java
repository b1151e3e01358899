package io.stencil.tensor;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.files.AtomicFile;
import io.stencil.json.Json;
import io.stencil.json.JsonFile;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/// Seconds that a product with a bfloat16 weight takes on this machine's CPU.
///
/// @param wideSeconds with the weight cast to float32 and a float32 product
/// @param halfSeconds with a bfloat16 product
public record ProductSpeed(double wideSeconds, double halfSeconds) {

    private static final long TOKENS = 512;
    private static final long WIDTH = 2048;
    private static final int RUNS = 5;

    boolean wideIsFaster() {
        return wideSeconds < halfSeconds;
    }

    /// Measures 512 tokens by a weight of `[2048, 2048]`: medians of 5 after one to warm up.
    static ProductSpeed measure() {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(0)) {
            Tensor x = generator.randn(DType.FLOAT32, TOKENS, WIDTH);
            Tensor halfX = DType.BFLOAT16.cast(x);
            Tensor weight = DType.BFLOAT16.cast(generator.randn(DType.FLOAT32, WIDTH, WIDTH));
            WeightValues resting = new WeightValues.Plain(weight);
            return new ProductSpeed(
                    median(() -> resting.multiplyTransposed(x)), median(() -> Ops.linear(halfX, weight, null)));
        }
    }

    /// Floating-point operations a second of `[rows, in] x [in, out]` on a device: the median of 5 after one to warm
    /// up. A multiplication and its addition are two.
    ///
    /// @param dtype of both matrices and of the product
    public static double operationsPerSecond(DType dtype, Device device, long rows, long in, long out) {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(0)) {
            Tensor x = device.place(generator.randn(DType.FLOAT32, rows, in), dtype);
            Tensor weight = device.place(generator.randn(DType.FLOAT32, out, in), dtype);
            double seconds =
                    median(() -> Tensors.toFloats(Ops.linear(x, weight, null).narrow(0, 0, 1)));
            return 2.0 * rows * in * out / seconds;
        }
    }

    /// How many threads an operation on the CPU uses.
    public static int threads() {
        Libtorch.load();
        return torch.get_num_threads();
    }

    private static double median(Runnable product) {
        double[] seconds = new double[RUNS];
        for (int run = -1; run < RUNS; run++) {
            try (Scope _ = new Scope()) {
                long began = System.nanoTime();
                product.run();
                if (run >= 0) {
                    seconds[run] = (System.nanoTime() - began) / 1e9;
                }
            }
        }
        Arrays.sort(seconds);
        return seconds[RUNS / 2];
    }

    /// Host, processor, maths library and number of threads: what the speed depends on.
    public static String machine() {
        Libtorch.load(); // else libtorch comes with its own choice of these
        return "%s, %s, %s, %s threads".formatted(host(), processor(), Libtorch.maths(), threads());
    }

    private static String host() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return Map.copyOf(System.getenv()).getOrDefault("HOSTNAME", "unnamed");
        }
    }

    private static String processor() {
        Path info = Path.of("/proc/cpuinfo");
        try {
            return Files.readAllLines(info).stream()
                    .filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .distinct()
                    .reduce("", (a, b) -> a.isEmpty() ? b : a + " / " + b);
        } catch (IOException e) {
            return System.getProperty("os.arch");
        }
    }

    /// Where a [ProductSpeed] is kept between processes, under the machine's name. A cache: what cannot be read is
    /// measured again, and where nothing can be written each process measures for itself.
    ///
    /// @param machine whose speed it is
    record ProductSpeedFile(Path file, String machine) {

        /// `products.json` in `$XDG_CACHE_HOME/stencil`, or in `~/.cache/stencil`.
        static ProductSpeedFile standard() {
            String cache = System.getenv("XDG_CACHE_HOME");
            Path home = cache == null || cache.isBlank()
                    ? Path.of(System.getProperty("user.home"), ".cache")
                    : Path.of(cache);
            return new ProductSpeedFile(home.resolve("stencil").resolve("products.json"), ProductSpeed.machine());
        }

        ProductSpeed readOrMeasure(Supplier<ProductSpeed> measurement) {
            return read().orElseGet(() -> {
                ProductSpeed speed = measurement.get();
                save(speed);
                return speed;
            });
        }

        private Optional<ProductSpeed> read() {
            if (!Files.isRegularFile(file)) {
                return Optional.empty();
            }
            try {
                JsonNode json = JsonFile.read(file);
                double wide = json.path("float32_seconds").asDouble();
                double half = json.path("bfloat16_seconds").asDouble();
                boolean usable = json.path("machine").asText().equals(machine) && wide > 0 && half > 0;
                return usable ? Optional.of(new ProductSpeed(wide, half)) : Optional.empty();
            } catch (InvalidFileException e) {
                return Optional.empty();
            }
        }

        private void save(ProductSpeed speed) {
            ObjectNode json = Json.MAPPER
                    .createObjectNode()
                    .put("machine", machine)
                    .put("float32_seconds", speed.wideSeconds())
                    .put("bfloat16_seconds", speed.halfSeconds());
            try {
                AtomicFile.writeText(file, json.toPrettyString() + "\n");
            } catch (IOException e) {
                System.getLogger(ProductSpeedFile.class.getName())
                        .log(System.Logger.Level.DEBUG, "{0} cannot be written: {1}", file, e);
            }
        }
    }
}
