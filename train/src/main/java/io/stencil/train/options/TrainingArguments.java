package io.stencil.train.options;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.files.StencilVersion;
import io.stencil.json.Json;
import io.stencil.json.JsonFile;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.unit.ModelRole;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Writes `training_args.json`: the version, and every option of a run under its name on the command line. Options
/// that have no value are left out, and paths are absolute. The file is one for `--config`, and `--resume` takes the
/// options of the run from it.
public final class TrainingArguments {

    /// Name of the file in the output folder.
    public static final String FILE_NAME = "training_args.json";

    /// Options that name files and are not of this class's schema.
    private static final Set<String> PLACES = Set.of("model_paths", "model_id_with_origin_paths", "tokenizer_path");

    private TrainingArguments() {}

    /// @param seed that the run uses, also where none was given
    /// @throws InvalidFileException when the file cannot be written
    public static void write(TrainOptions options, long seed) {
        Path file = options.output().folder().resolve(FILE_NAME);
        try {
            AtomicFile.writeText(file, json(options, seed).toPrettyString() + "\n");
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be written: " + e, e);
        }
    }

    /// The content of the file.
    ///
    /// @param seed that the run uses
    public static ObjectNode json(TrainOptions options, long seed) {
        ObjectNode root = Json.MAPPER.createObjectNode();
        root.put("stencil_version", StencilVersion.number());
        root.set("options", options(options, seed));
        return root;
    }

    /// Every option that has a value and is used by the task, under its name on the command line.
    ///
    /// @param seed that the run uses
    public static ObjectNode options(TrainOptions options, long seed) {
        ObjectNode json = TrainOptions.SCHEMA.json(options, options.task());
        if (!options.lora().isTrained()) {
            OptionSchema.of(LoraOptions.class).options().forEach(option -> json.remove(option.name()));
        }
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

    /// Options of the run that wrote a checkpoint which differ from their defaults, by name, without paths: for model
    /// cards, which show nothing of their author's disk. Empty where the run's `training_args.json` is not there.
    ///
    /// @throws InvalidFileException when that file is no JSON
    public static Map<String, String> changed(Path checkpoint) {
        Path folder = checkpoint.toAbsolutePath().normalize().getParent();
        Optional<Path> file = Stream.of(folder, folder == null ? null : folder.getParent())
                .filter(Objects::nonNull)
                .map(one -> one.resolve(FILE_NAME))
                .filter(Files::isRegularFile)
                .findFirst();
        Map<String, String> changed = new LinkedHashMap<>();
        file.ifPresent(found -> JsonFile.read(found)
                .path("options")
                .properties()
                .forEach(option -> {
                    JsonNode set = option.getValue();
                    String value = set.isValueNode() ? set.asText() : set.toString();
                    if (!isPath(option.getKey())
                            && !value.contains("/")
                            && !value.equals(defaultText(option.getKey()))) {
                        changed.put(option.getKey(), value);
                    }
                }));
        return changed;
    }

    private static boolean isPath(String option) {
        return PLACES.contains(option)
                || TrainOptions.SCHEMA
                        .option(option)
                        .filter(DeclaredOption::isPath)
                        .isPresent();
    }

    private static String defaultText(String option) {
        return switch (option) {
            case "dtype" -> LoadOptions.DEFAULT.dtype().text();
            case "device" -> LoadOptions.DEFAULT.device().toString();
            default ->
                TrainOptions.SCHEMA
                        .option(option)
                        .map(DeclaredOption::defaultJson)
                        .map(JsonNode::asText)
                        .orElse("");
        };
    }
}
