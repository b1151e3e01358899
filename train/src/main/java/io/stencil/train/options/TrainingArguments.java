package io.stencil.train.options;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.json.Json;
import io.stencil.pipeline.unit.ModelRole;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;

/// Writes `training_args.json`: the version, and every option of a run under its name on the command line. Options
/// that have no value are left out, and paths are absolute. The file is one for `--config`, and `--resume` takes the
/// options of the run from it.
public final class TrainingArguments {

    /// Name of the file in the output folder.
    public static final String FILE_NAME = "training_args.json";

    private static final String VERSION = "version.properties";

    private TrainingArguments() {}

    /// @param seed that the run uses, also where none was given
    /// @throws InvalidFileException when the file cannot be written
    public static void write(TrainOptions options, long seed) {
        Path file = options.output().folder().resolve(FILE_NAME);
        ObjectNode root = Json.MAPPER.createObjectNode();
        root.put("stencil_version", version());
        root.set("options", options(options, seed));
        try {
            AtomicFile.writeText(file, root.toPrettyString() + "\n");
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be written: " + e, e);
        }
    }

    /// Every option that has a value and is used by the task, under its name on the command line.
    ///
    /// @param seed that the run uses
    public static ObjectNode options(TrainOptions options, long seed) {
        ObjectNode json = TrainOptions.SCHEMA.json(options, options.task());
        json.put("seed", seed);
        putBaseModel(json, options.models());
        return json;
    }

    /// Options that all commands with a base model share.
    private static void putBaseModel(ObjectNode json, ModelOptions models) {
        ArrayNode parts = json.putArray("model_paths");
        for (List<Path> part : models.base().parts()) {
            if (part.size() == 1) {
                parts.add(absolute(part.getFirst()));
            } else {
                ArrayNode shards = parts.addArray();
                part.forEach(shard -> shards.add(absolute(shard)));
            }
        }
        if (models.base().tokenizer() != null) {
            json.put("tokenizer_path", absolute(models.base().tokenizer()));
        }
        putLabels(json, "fp8_models", models.load().float8());
        putLabels(json, "offload_models", models.load().offload());
        json.put("device", models.load().device().toString());
        json.put("dtype", models.load().dtype().text());
    }

    private static void putLabels(ObjectNode json, String name, Set<ModelRole> roles) {
        if (!roles.isEmpty()) {
            json.put(name, roles.stream().sorted().map(ModelRole::label).collect(Collectors.joining(",")));
        }
    }

    /// As the file may be read from another working directory.
    private static String absolute(Path path) {
        return path.toAbsolutePath().normalize().toString();
    }

    private static String version() {
        Properties properties = new Properties();
        try (InputStream resource = TrainingArguments.class.getResourceAsStream(VERSION)) {
            properties.load(Objects.requireNonNull(resource, VERSION));
        } catch (IOException e) {
            throw new UncheckedIOException(VERSION, e);
        }
        return properties.getProperty("version");
    }
}
