package io.stencil.tensor;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.files.AtomicFile;
import io.stencil.json.Json;
import io.stencil.json.JsonFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;

/// Where a [ProductSpeed] is kept between processes, under the machine's name. A cache: what cannot be read is measured
/// again, and where nothing can be written each process measures for itself.
///
/// @param machine whose speed it is
record ProductSpeedFile(Path file, String machine) {

    /// `products.json` in `$XDG_CACHE_HOME/stencil`, or in `~/.cache/stencil`.
    static ProductSpeedFile standard() {
        String cache = System.getenv("XDG_CACHE_HOME");
        Path home =
                cache == null || cache.isBlank() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(cache);
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
