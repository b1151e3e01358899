package io.stencil.train.resume;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.files.Sha256;
import io.stencil.tensor.ComputeDType;
import io.stencil.tensor.DType;
import io.stencil.train.optim.LearningRateSchedule;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.options.TrainingArguments;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.Set;

/// What the numbers of a run follow from: options with their names on the command line, absolute paths, the hash of
/// the metadata file, and the dtype of activations, which the machine decides.
///
/// @param json of these options alone
public record RunOptions(ObjectNode json) {

    /// What a run may change when it goes on: where and what it saves and logs, what it takes of memory and threads,
    /// and whether it skips rows that cannot be read.
    private static final Set<String> FREE = Set.of(
            "on_bad_row",
            "output_path",
            "resume",
            "remove_prefix_in_ckpt",
            "save_steps",
            "keep_checkpoints",
            "save_dtype",
            "save_raw_weights",
            "cache_encodings",
            "dataset_num_workers",
            "use_gradient_checkpointing",
            "use_gradient_checkpointing_offload",
            "activation_memory",
            "offload_models",
            "enable_csv_log",
            "enable_tensorboard_log");

    private static final Set<String> PATHS = Set.of(
            "dataset_base_path",
            "dataset_metadata_path",
            "model_paths",
            "tokenizer_path",
            "template_model_id_or_path",
            "resume_from_checkpoint");

    private static final String MAX_STEPS = "max_steps";
    private static final String EPOCHS = "num_epochs";
    private static final Set<String> LENGTH = Set.of(MAX_STEPS, EPOCHS);
    private static final String SCHEDULE = "lr_scheduler";
    private static final String METADATA = "dataset_metadata_path";
    private static final String PROCESSES = "WORLD_SIZE";
    private static final String METADATA_HASH = "dataset_metadata_sha256";
    private static final String COMPUTE = "activation_dtype";

    /// @param seed that the run uses
    /// @param processes that train together
    /// @param compute dtype of activations
    /// @throws io.stencil.error.InvalidFileException when the metadata file cannot be read
    public static RunOptions of(TrainOptions options, long seed, int processes, DType compute) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        TrainingArguments.options(options, seed).properties().forEach(option -> {
            String name = option.getKey();
            if (!FREE.contains(name)) {
                json.set(name, PATHS.contains(name) ? absolute(option.getValue()) : option.getValue());
            }
        });
        json.put(COMPUTE, compute.text());
        json.put(METADATA_HASH, Sha256.ofInput(options.data().metadataPath()));
        if (processes > 1) {
            json.put(PROCESSES, processes);
        }
        return new RunOptions(json);
    }

    private static JsonNode absolute(JsonNode value) {
        if (value instanceof ArrayNode list) {
            ArrayNode made = JsonNodeFactory.instance.arrayNode();
            list.forEach(one -> made.add(absolute(one)));
            return made;
        }
        Path path = Path.of(value.asText()).toAbsolutePath().normalize();
        return JsonNodeFactory.instance.textNode(path.toString());
    }

    /// The options as text, without paths, which may differ between machines.
    public String numbers() {
        ObjectNode numbers = json.deepCopy();
        numbers.remove(PATHS);
        return numbers.toString();
    }

    /// Refuses to go on with other options than a run began with. The length of a run may change where the learning
    /// rate does not depend on it.
    ///
    /// @param state that the run is to go on from
    /// @throws InvalidRequestException naming the first option that differs, and both values
    public void requireSameAs(SavedState state) {
        ObjectNode begun = state.options().json();
        Set<String> names = new LinkedHashSet<>();
        json.fieldNames().forEachRemaining(names::add);
        begun.fieldNames().forEachRemaining(names::add);
        names.removeAll(FREE); // which a state of an earlier version may name
        for (String name : names) {
            boolean unknown = name.equals(COMPUTE) && !begun.has(name); // a state of earlier versions does not tell
            if (LENGTH.contains(name) && !json.path(SCHEDULE).asText().equals(LearningRateSchedule.COSINE.option())) {
                continue;
            }
            if (name.equals(METADATA) && !json.has(METADATA)) {
                continue; // encoded samples, which are known by their folder
            }
            if (!unknown && !Objects.equals(text(json, name), text(begun, name))) {
                String option = name.equals(METADATA_HASH) ? METADATA : name;
                String value = name.equals(METADATA_HASH) ? "has the SHA-256" : "is";
                String same = name.equals(COMPUTE) ? ComputeDType.CHOICE : "give the same";
                if (LENGTH.contains(name)) {
                    same = "the learning rate of --lr_scheduler cosine depends on the length, which cannot change; "
                            + same;
                }
                throw new InvalidRequestException(
                        option,
                        "%s %s, but the run in '%s' began with %s; %s, or train anew into another folder"
                                .formatted(
                                        value, text(json, name), state.folder().getParent(), text(begun, name), same));
            }
        }
    }

    /// The length of the whole run.
    ///
    /// @param epochLength steps of an epoch
    public RunLength length(long epochLength) {
        long steps = json.hasNonNull(MAX_STEPS)
                ? json.get(MAX_STEPS).asLong()
                : Math.multiplyExact(epochLength, json.path(EPOCHS).asLong());
        return new RunLength(
                steps, epochLength, json.path("gradient_accumulation_steps").asInt(1));
    }

    /// The text of a value: numbers come back from a file in another class, not in another text.
    private static String text(ObjectNode json, String name) {
        JsonNode value = json.get(name);
        return value == null ? "not given" : value.isTextual() ? value.asText() : value.toString();
    }
}
