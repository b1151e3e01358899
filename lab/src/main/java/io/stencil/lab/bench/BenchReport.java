package io.stencil.lab.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.files.AtomicFile;
import io.stencil.files.ByteText;
import io.stencil.json.Json;
import io.stencil.json.JsonFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Reports measurements as the lines of a table, for people, and as JSON, for programs.
///
/// @param how models and settings, for people
/// @param machine host, processor and threads
public record BenchReport(String how, String machine) {

    private static final double GIGA = 1e9;

    /// The lines above the measurements.
    public List<String> heading() {
        return List.of(
                how,
                machine,
                row("work", "median", "fastest", "slowest", "GFLOP/s", "product", "share", "peak memory"));
    }

    /// One measurement, and its profile where it has one.
    public List<String> lines(Measurement measurement) {
        List<String> lines = new ArrayList<>();
        lines.add(line(measurement));
        Profile.Seconds profile = measurement.profile();
        if (profile != null) {
            double whole = profile.works().values().stream()
                    .mapToDouble(Double::doubleValue)
                    .sum();
            for (Profile.Work work : Profile.Work.values()) {
                lines.add(part(work.label(), profile.works().getOrDefault(work, 0.0), whole));
            }
            Profile.Processors processors = profile.processors();
            if (processors != null) {
                double all = processors.user() + processors.kernel() + processors.waiting();
                lines.add(part("processors: computing", processors.user(), all));
                lines.add(part("processors: in the kernel", processors.kernel(), all));
                lines.add(part("processors: waiting", processors.waiting(), all));
            }
        }
        return lines;
    }

    private static String part(String name, double seconds, double whole) {
        return "  %-56s %9s s %4s %%".formatted(name, number(seconds, 3), number(100 * seconds / whole, 0));
    }

    private static String line(Measurement measurement) {
        return row(
                measurement.work(),
                number(measurement.median(), 3) + " s",
                number(measurement.fastest(), 3) + " s",
                number(measurement.slowest(), 3) + " s",
                number(measurement.speed() / GIGA, 1),
                number(measurement.productSpeed() / GIGA, 1),
                number(100 * measurement.share(), 0) + " %",
                measurement.peakBytes() == null ? "-" : ByteText.of(measurement.peakBytes()));
    }

    private static String row(Object... cells) {
        return "%-22s %10s %10s %10s %9s %9s %6s %12s".formatted(cells).stripTrailing();
    }

    private static String number(double value, int digits) {
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }

    /// Writes all of it.
    ///
    /// @throws IOException when the file cannot be written
    public void write(Path file, List<Measurement> measurements) throws IOException {
        ObjectNode root = Json.MAPPER.createObjectNode().put("how", how).put("machine", machine);
        ArrayNode works = root.putArray("works");
        for (Measurement measurement : measurements) {
            ObjectNode json = works.addObject().put("work", measurement.work());
            ArrayNode seconds = json.putArray("seconds");
            measurement.seconds().forEach(seconds::add);
            json.put("median_seconds", measurement.median())
                    .put("fastest_seconds", measurement.fastest())
                    .put("slowest_seconds", measurement.slowest())
                    .put("gflop", measurement.operations() / GIGA)
                    .put("gflop_per_second", measurement.speed() / GIGA)
                    .put("product_gflop_per_second", measurement.productSpeed() / GIGA)
                    .put("share_of_product_speed", measurement.share())
                    .put("peak_resident_bytes", measurement.peakBytes());
            ArrayNode products = json.putArray("product_operations_per_second");
            measurement.products().forEach(products::add);
            if (measurement.profile() != null) {
                json.set("profile", Json.MAPPER.valueToTree(measurement.profile()));
            }
        }
        AtomicFile.writeText(file, root.toPrettyString() + "\n");
    }

    /// The measurements of a file.
    ///
    /// @throws io.stencil.error.InvalidFileException when it is not one of [#write]
    public static List<Measurement> read(Path file) {
        List<Measurement> measurements = new ArrayList<>();
        for (JsonNode work : JsonFile.read(file).path("works")) {
            List<Double> seconds = new ArrayList<>();
            work.path("seconds").forEach(second -> seconds.add(second.asDouble()));
            List<Double> products = new ArrayList<>();
            work.path("product_operations_per_second").forEach(product -> products.add(product.asDouble()));
            JsonNode peak = work.path("peak_resident_bytes");
            measurements.add(new Measurement(
                    work.path("work").asText(),
                    seconds,
                    work.path("gflop").asDouble() * GIGA,
                    products,
                    peak.isNumber() ? peak.asLong() : null,
                    work.has("profile") ? Json.MAPPER.convertValue(work.get("profile"), Profile.Seconds.class) : null));
        }
        return measurements;
    }

    /// Holds the result of one benchmark.
    ///
    /// @param work name of the benchmark
    /// @param seconds of each repeat, without the first run
    /// @param operations floating-point operations of one run; a multiplication and its addition are two
    /// @param products operations a second of the machine in a product alone, before, between and after the repeats
    /// @param peakBytes the most physical memory that its process used at once; null where the system does not report
    /// it
    /// @param profile mean of the repeats, or null
    public record Measurement(
            String work,
            List<Double> seconds,
            double operations,
            List<Double> products,
            @Nullable Long peakBytes,
            Profile.@Nullable Seconds profile) {

        public Measurement {
            seconds = List.copyOf(seconds);
            products = List.copyOf(products);
            if (seconds.isEmpty() || products.isEmpty()) {
                throw new InvalidRequestException("seconds", "must hold one repeat or more, found none");
            }
        }

        /// The middle one; of an even number the mean of the two in the middle.
        public double median() {
            return median(seconds);
        }

        private static double median(List<Double> values) {
            List<Double> sorted = values.stream().sorted().toList();
            int middle = sorted.size() / 2;
            return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
        }

        /// Operations a second of the machine in a product alone, the median.
        public double productSpeed() {
            return median(products);
        }

        /// The speed as a share of [#productSpeed].
        public double share() {
            return speed() / productSpeed();
        }

        public double fastest() {
            return seconds.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
        }

        public double slowest() {
            return seconds.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
        }

        /// Operations a second, of the median.
        public double speed() {
            return operations / median();
        }
    }
}
