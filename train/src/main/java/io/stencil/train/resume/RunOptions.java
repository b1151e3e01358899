package io.stencil.train.resume;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.files.Sha256;
import io.stencil.tensor.DType;
import io.stencil.train.options.OnResume;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.options.TrainingArguments;

/// What the numbers of a run follow from: options with their names on the command line, absolute paths, the hash of
/// the metadata file, and the dtype of activations, which the machine decides.
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
    /// @param state that the run is to go on from
    /// @throws io.stencil.error.InvalidRequestException naming the first option that differs, and both values
    public void requireSameAs(SavedState state) {
        CHECK.requireSame(json, state.options().json(), state.folder().getParent());
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
}
