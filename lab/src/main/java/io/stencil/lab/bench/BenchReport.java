package io.stencil.lab.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.files.AtomicFile;
import io.stencil.files.ByteText;
import io.stencil.json.JsonFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Measurements for people, as the lines of a table, and for programs, as JSON.
///
/// @param how what was measured
/// @param machine host, processor and threads
/// @param productSpeed operations a second of a large float32 product on this machine
public record BenchReport(String how, String machine, double productSpeed) {

    private static final double GIGA = 1e9;
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    /// What stands above the measurements.
    public List<String> heading() {
        return List.of(
                how,
                "%s: %s GFLOP/s in a float32 product of 2048 x 2048 by 2048 x 2048"
                        .formatted(machine, number(productSpeed / GIGA, 0)),
                row("work", "median", "fastest", "slowest", "GFLOP/s", "share", "peak memory"));
    }

    /// One measurement.
    public String line(Measurement one) {
        return row(
                one.work(),
                number(one.median(), 3) + " s",
                number(one.fastest(), 3) + " s",
                number(one.slowest(), 3) + " s",
                number(one.speed() / GIGA, 1),
                number(100 * one.speed() / productSpeed, 0) + " %",
                one.peakBytes() == null ? "-" : ByteText.of(one.peakBytes()));
    }

    private static String row(Object... cells) {
        return "%-22s %10s %10s %10s %9s %6s %12s".formatted(cells).stripTrailing();
    }

    private static String number(double value, int digits) {
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }

    /// Writes all of it.
    ///
    /// @throws IOException when the file cannot be written
    public void write(Path file, List<Measurement> measurements) throws IOException {
        ObjectNode root = JSON.createObjectNode()
                .put("how", how)
                .put("machine", machine)
                .put("product_gflop_per_second", productSpeed / GIGA);
        ArrayNode works = root.putArray("works");
        for (Measurement one : measurements) {
            ObjectNode json = works.addObject().put("work", one.work());
            ArrayNode seconds = json.putArray("seconds");
            one.seconds().forEach(seconds::add);
            json.put("median_seconds", one.median())
                    .put("fastest_seconds", one.fastest())
                    .put("slowest_seconds", one.slowest())
                    .put("gflop", one.operations() / GIGA)
                    .put("gflop_per_second", one.speed() / GIGA)
                    .put("share_of_product_speed", one.speed() / productSpeed)
                    .put("peak_resident_bytes", one.peakBytes());
        }
        AtomicFile.writeText(file, JSON.writeValueAsString(root) + "\n");
    }

    /// The measurements of a file.
    ///
    /// @throws io.stencil.error.InvalidFileException when it is not one of [#write]
    public static List<Measurement> read(Path file) {
        List<Measurement> measurements = new ArrayList<>();
        for (JsonNode one : JsonFile.read(file).path("works")) {
            List<Double> seconds = new ArrayList<>();
            one.path("seconds").forEach(second -> seconds.add(second.asDouble()));
            JsonNode peak = one.path("peak_resident_bytes");
            measurements.add(new Measurement(
                    one.path("work").asText(),
                    seconds,
                    one.path("gflop").asDouble() * GIGA,
                    peak.isNumber() ? peak.asLong() : null));
        }
        return measurements;
    }
}
