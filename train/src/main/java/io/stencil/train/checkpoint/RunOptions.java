package io.stencil.train.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.files.Sha256;
import io.stencil.tensor.ComputeDType;
import io.stencil.tensor.DType;
import io.stencil.train.optim.LearningRateSchedule;
import io.stencil.train.options.DeclaredOption;
import io.stencil.train.options.OptionSchema;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.options.TrainingArguments;
import io.stencil.train.options.TrainingOption.OnResume;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Holds the options that decide the numbers of a run: options with their names on the command line, absolute
/// paths, the hash of the metadata file, and the dtype of activations, which the machine decides.
///
/// @param json of these options alone
public record RunOptions(ObjectNode json) {

    private static final ResumeCheck CHECK = new ResumeCheck(TrainOptions.SCHEMA);
    private static final String MAX_STEPS = "max_steps";
    private static final String EPOCHS = "num_epochs";
    private static final String PROCESSES = "WORLD_SIZE";

    /// @param seed that the run uses
    /// @param processes that train together
    /// @param compute dtype of activations
    /// @throws io.stencil.error.InvalidFileException when the metadata file cannot be read
    public static RunOptions of(TrainOptions options, long seed, int processes, DType compute) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        TrainingArguments.options(options, seed).properties().forEach(option -> {
            String name = option.getKey();
            if (CHECK.rule(name) != OnResume.FREE) {
                json.set(name, option.getValue());
            }
        });
        json.put(ResumeCheck.COMPUTE, compute.text());
        json.put(ResumeCheck.METADATA_HASH, Sha256.ofInput(options.data().metadataPath()));
        if (processes > 1) {
            json.put(PROCESSES, processes);
        }
        return new RunOptions(json);
    }

    /// The options as text, without paths, which may differ between machines.
    public String numbers() {
        ObjectNode numbers = json.deepCopy();
        numbers.remove(CHECK.paths());
        return numbers.toString();
    }

    /// Refuses to resume with other options than the run began with. The length of a run may change where the learning
    /// rate does not depend on it.
    ///
    /// @param begun options of the state from which the run is to go on
    /// @param folder of the run
    /// @throws io.stencil.error.InvalidRequestException naming the first option that differs, and both values
    public void requireSameAs(RunOptions begun, @Nullable Path folder) {
        CHECK.requireSame(json, begun.json, folder);
    }

    /// The length of the whole run.
    ///
    /// @param epochLength steps of an epoch
    public RunLength length(long epochLength) {
        return RunLength.of(
                json.hasNonNull(MAX_STEPS) ? json.get(MAX_STEPS).asInt() : null,
                json.path(EPOCHS).asInt(),
                json.path("gradient_accumulation_steps").asInt(1),
                epochLength);
    }

    /// Compares the options of a resumed run with those that it began with.
    ///
    /// @param schema of the options; others of a run must stay the same, but for those of [#FREE]
    public record ResumeCheck(OptionSchema<?> schema) {

        /// The dtype of activations, which the machine decides.
        static final String COMPUTE = "activation_dtype";

        static final String METADATA_HASH = "dataset_metadata_sha256";
        static final String METADATA = "dataset_metadata_path";

        /// Options that are not in the schema and may change.
        private static final Set<String> FREE = Set.of("resume", "offload_models");

        /// Paths that are not in the schema.
        private static final Set<String> PATHS = Set.of("model_paths", "tokenizer_path");

        private static final String SCHEDULE = "lr_scheduler";

        /// Whether a resumed run may change the option.
        OnResume rule(String name) {
            return schema.option(name)
                    .map(option -> option.declaration().onResume())
                    .orElse(FREE.contains(name) ? OnResume.FREE : OnResume.SAME);
        }

        /// Names of the options that hold paths.
        Set<String> paths() {
            return Stream.concat(
                            PATHS.stream(),
                            schema.options().stream()
                                    .filter(DeclaredOption::isPath)
                                    .map(DeclaredOption::name))
                    .collect(Collectors.toSet());
        }

        /// Refuses other options than a run began with. An option that is absent has its default: it may be newer
        /// than the run.
        ///
        /// @param now options of the resumed run
        /// @param begun options that the run began with
        /// @param folder of the run
        /// @throws InvalidRequestException naming the first option that differs, and both values
        public void requireSame(ObjectNode now, ObjectNode begun, @Nullable Path folder) {
            Set<String> names = new LinkedHashSet<>();
            now.fieldNames().forEachRemaining(names::add);
            begun.fieldNames().forEachRemaining(names::add);
            for (String name : names) {
                if (mayDiffer(name, now, begun) || Objects.equals(value(now, name), value(begun, name))) {
                    continue;
                }
                String option = name.equals(METADATA_HASH) ? METADATA : name;
                String verb = name.equals(METADATA_HASH) ? "has the SHA-256" : "is";
                String remedy = name.equals(COMPUTE) ? ComputeDType.CHOICE : "give the same";
                if (rule(name) == OnResume.LENGTH) {
                    remedy = "the learning rate of --lr_scheduler cosine depends on the length, which cannot change; "
                            + remedy;
                }
                throw new InvalidRequestException(
                        option,
                        "%s %s, but the run in '%s' began with %s; %s, or train anew into another folder"
                                .formatted(verb, text(now.get(name)), folder, text(begun.get(name)), remedy));
            }
        }

        private boolean mayDiffer(String name, ObjectNode now, ObjectNode begun) {
            boolean cosine = now.path(SCHEDULE).asText().equals(LearningRateSchedule.COSINE.option());
            return switch (rule(name)) {
                case FREE -> true;
                case LENGTH -> !cosine;
                case SAME ->
                    (name.equals(METADATA) && !now.has(METADATA)) // encoded samples, which are known by their folder
                            || (name.equals(COMPUTE) && !begun.has(COMPUTE)); // a state of an earlier version
            };
        }

        private String value(ObjectNode json, String name) {
            JsonNode value = json.get(name);
            return text(
                    value == null
                            ? schema.option(name)
                                    .map(DeclaredOption::defaultJson)
                                    .orElse(null)
                            : value);
        }

        /// The text of a value: numbers come back from a file in another class, not in another text.
        private static String text(@Nullable JsonNode value) {
            return value == null ? "not given" : value.isTextual() ? value.asText() : value.toString();
        }
    }
}
