package io.stencil.train.options;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.autograd.ActivationPolicy;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.pipeline.unit.ModelRole;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Writes `training_args.json`: the version, and every option of a run under its name on the command line. Options
/// that have no value are left out, and paths are absolute. The file is one for `--config`, and `--resume` takes the
/// options of the run from it.
public final class TrainingArguments {

    /// Name of the file in the output folder.
    public static final String FILE_NAME = "training_args.json";

    private static final String VERSION = "version.properties";
    private static final JsonMapper MAPPER =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private TrainingArguments() {}

    /// @param seed that the run uses, also where none was given
    /// @throws InvalidFileException when the file cannot be written
    public static void write(TrainOptions options, long seed) {
        Path file = options.output().folder().resolve(FILE_NAME);
        ObjectNode root = MAPPER.createObjectNode();
        root.put("stencil_version", version());
        root.set("options", options(options, seed));
        try {
            AtomicFile.writeText(file, MAPPER.writeValueAsString(root) + "\n");
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("options cannot be put into JSON", e);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be written: " + e, e);
        }
    }

    /// Every option that has a value, under its name on the command line.
    ///
    /// @param seed that the run uses
    public static ObjectNode options(TrainOptions options, long seed) {
        ObjectNode json = MAPPER.createObjectNode();
        json.put("task", options.task().option());
        putData(json, options.task(), options.data());
        putModels(json, options.models());
        putObjective(json, options.task(), options.objective());
        putOptimisation(json, options.optimisation());
        json.put("seed", seed);
        putOutput(json, options.output());
        return json;
    }

    private static void putData(ObjectNode json, Task task, DataOptions data) {
        putPath(json, "dataset_base_path", data.basePath());
        if (task != Task.SFT_TRAIN) { // which finds its index there
            putPath(json, "dataset_metadata_path", data.metadataPath());
        }
        json.put("dataset_repeat", data.repeat());
        json.put("dataset_shuffle", data.shuffle());
        json.put("dataset_num_workers", data.workers());
        json.put(
                "data_file_keys",
                Arrays.stream(FileKey.values())
                        .filter(data.fileKeys()::contains)
                        .map(FileKey::key)
                        .collect(Collectors.joining(",")));
        if (data.height() != null && data.width() != null) {
            json.put("height", data.height());
            json.put("width", data.width());
        }
        json.put("max_pixels", data.maxPixels());
        if (data.onBadRow() != OnBadRow.FAIL) {
            json.put("on_bad_row", data.onBadRow().option());
        }
        putList(
                json,
                "extra_inputs",
                data.extraInputs().stream().map(ExtraInput::key).sorted().toList());
    }

    private static void putModels(ObjectNode json, ModelOptions models) {
        ArrayNode parts = json.putArray("model_paths");
        for (List<Path> part : models.base().parts()) {
            if (part.size() == 1) {
                parts.add(absolute(part.getFirst()));
            } else {
                ArrayNode shards = parts.addArray();
                part.forEach(shard -> shards.add(absolute(shard)));
            }
        }
        putPath(json, "tokenizer_path", models.base().tokenizer());
        putPath(json, "template_model_id_or_path", models.template());
        putList(json, "trainable_models", models.trainable());
        putList(json, "fp8_models", labels(models.load().float8()));
        putList(json, "offload_models", labels(models.load().offload()));
        json.put("initialize_model_on_cpu", models.initializeOnCpu());
        json.put("enable_lora_hot_loading", models.loraHotLoading());
        json.put("device", models.load().device().toString());
        json.put("dtype", models.load().dtype().text());
    }

    private static List<String> labels(Set<ModelRole> roles) {
        return roles.stream().sorted().map(ModelRole::label).toList();
    }

    private static void putOptimisation(ObjectNode json, OptimisationOptions optimisation) {
        json.put("learning_rate", optimisation.learningRate());
        json.put("weight_decay", optimisation.weightDecay());
        json.put("lr_scheduler", optimisation.schedule().option());
        putNumber(json, "warmup_steps", optimisation.warmupSteps());
        putNumber(json, "num_epochs", optimisation.epochs());
        putNumber(json, "max_steps", optimisation.maxSteps());
        json.put("batch_size", optimisation.batchSize());
        putNumber(json, "max_grad_norm", optimisation.maxGradNorm());
        putNumber(json, "ema_decay", optimisation.emaDecay());
        json.put("gradient_accumulation_steps", optimisation.gradientAccumulationSteps());
        putActivations(json, optimisation.activations());
        json.put("find_unused_parameters", optimisation.findUnusedParameters());
    }

    private static void putActivations(ObjectNode json, ActivationPolicy activations) {
        boolean offload = switch (activations) {
            case ActivationPolicy.Keep _ -> false;
            case ActivationPolicy.Recompute recompute -> recompute.offload();
            case ActivationPolicy.Within within -> {
                json.put("activation_memory", within.bytes());
                yield within.offload();
            }
        };
        json.put("use_gradient_checkpointing", activations instanceof ActivationPolicy.Recompute);
        json.put("use_gradient_checkpointing_offload", offload);
    }

    private static void putOutput(ObjectNode json, OutputOptions output) {
        putPath(json, "output_path", output.folder());
        if (output.removedPrefix() != null) {
            json.put("remove_prefix_in_ckpt", output.removedPrefix());
        }
        if (output.saveSteps() != null) {
            json.put("save_steps", output.saveSteps());
        }
        putNumber(json, "keep_checkpoints", output.keptCheckpoints());
        putPath(json, "resume_from_checkpoint", output.resumeFrom());
        json.put("save_dtype", output.saveDtype().text());
        json.put("save_raw_weights", output.saveRawWeights());
        json.put("enable_csv_log", output.csvLog());
        json.put("enable_tensorboard_log", output.tensorboardLog());
    }

    private static void putObjective(ObjectNode json, Task task, ObjectiveOptions objective) {
        if (task == Task.VAE) {
            json.put("latent_noise", objective.latentNoise());
            json.put("kl_weight", objective.klWeight());
            json.put("edge_weight", objective.edgeWeight());
            return;
        }
        json.put("timestep_weighting", objective.timestepWeighting().option());
        if (!objective.timesteps().equals(TimestepRange.ALL)) {
            json.put("min_timestep_boundary", objective.timesteps().min());
            json.put("max_timestep_boundary", objective.timesteps().max());
        }
        json.put("caption_dropout", objective.captionDropout());
        json.put("cache_encodings", objective.cacheEncodings());
    }

    private static void putNumber(ObjectNode json, String name, @Nullable Number value) {
        if (value != null) {
            json.set(name, MAPPER.valueToTree(value));
        }
    }

    private static void putPath(ObjectNode json, String name, @Nullable Path path) {
        if (path != null) {
            json.put(name, absolute(path));
        }
    }

    /// As the file may be read from another working directory.
    private static String absolute(Path path) {
        return path.toAbsolutePath().normalize().toString();
    }

    private static void putList(ObjectNode json, String name, Collection<String> list) {
        if (!list.isEmpty()) {
            json.put(name, String.join(",", list));
        }
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
