package io.stencil.tensor;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.stencil.error.InvalidRequestException;
import io.stencil.files.AtomicFile;
import io.stencil.json.JsonFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The dtype in which models whose weights rest in half precision compute fastest.
///
/// Processors without matrix units for half precision multiply float32 faster, also when every weight has to be cast
/// first. On the CPU this is measured once and kept in `products.json` in `$XDG_CACHE_HOME/stencil` (or
/// `~/.cache/stencil`), under the machine's name; the environment variable `STENCIL_COMPUTE`, `float32` or `native`,
/// decides without measuring. Other devices compute in the weights' dtype.
public final class ComputeDType {

    private static final String VARIABLE = "STENCIL_COMPUTE";
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private static @Nullable ProductSpeed measured;

    private ComputeDType() {}

    /// @param resting dtype of the weights
    /// @throws InvalidRequestException when `STENCIL_COMPUTE` is neither `float32` nor `native`
    public static DType fastest(DType resting, Device device) {
        boolean half = resting == DType.BFLOAT16 || resting == DType.FLOAT16;
        if (!half || !device.equals(Device.CPU)) {
            return resting;
        }
        String wish = System.getenv(VARIABLE);
        return switch (wish == null ? "" : wish) {
            case "float32" -> DType.FLOAT32;
            case "native" -> resting;
            case "" -> speed().wideIsFaster() ? DType.FLOAT32 : resting;
            default ->
                throw new InvalidRequestException(
                        VARIABLE, "is '%s' in the environment; expected float32 or native".formatted(wish));
        };
    }

    /// What this machine needed for one product of each kind, from the file or measured now.
    public static synchronized ProductSpeed speed() {
        ProductSpeed known = measured;
        if (known == null) {
            known = fromFile();
            if (known == null) {
                known = ProductSpeed.measure();
                save(known);
            }
            measured = known;
        }
        return known;
    }

    static Path file() {
        String cache = System.getenv("XDG_CACHE_HOME");
        Path home =
                cache == null || cache.isBlank() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(cache);
        return home.resolve("stencil").resolve("products.json");
    }

    /// What was kept for this machine; null when nothing readable was.
    private static @Nullable ProductSpeed fromFile() {
        if (!Files.isRegularFile(file())) {
            return null;
        }
        try {
            JsonNode json = JsonFile.read(file());
            if (!json.path("machine").asText().equals(ProductSpeed.machine())) {
                return null;
            }
            double wide = json.path("float32_seconds").asDouble();
            double half = json.path("bfloat16_seconds").asDouble();
            return wide > 0 && half > 0 ? new ProductSpeed(wide, half) : null;
        } catch (io.stencil.error.InvalidFileException e) {
            return null; // a cache: measuring again mends it
        }
    }

    private static void save(ProductSpeed speed) {
        try {
            AtomicFile.writeText(
                    file(),
                    MAPPER.writerWithDefaultPrettyPrinter()
                                    .writeValueAsString(Map.of(
                                            "machine",
                                            ProductSpeed.machine(),
                                            "float32_seconds",
                                            speed.wideSeconds(),
                                            "bfloat16_seconds",
                                            speed.halfSeconds()))
                            + "\n");
        } catch (IOException e) {
            // Where nothing can be kept, each process measures for itself.
            System.getLogger(ComputeDType.class.getName())
                    .log(System.Logger.Level.DEBUG, "{0} cannot be written: {1}", file(), e);
        }
    }
}
