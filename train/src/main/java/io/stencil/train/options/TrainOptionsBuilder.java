package io.stencil.train.options;

import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.TrustedCode;
import io.stencil.tensor.DType;
import io.stencil.train.optim.LearningRateSchedule;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Builds training options from values by name and the defaults of [TrainingOption]. A method for a single option only
/// adds its type: an option without one is set by [#set].
public final class TrainOptionsBuilder {

    private final Map<String, @Nullable Object> values = new HashMap<>();

    TrainOptionsBuilder(ModelFiles base, Path dataset, Path metadata, Path output) {
        values.put("base", base);
        values.put("load", LoadOptions.DEFAULT);
        values.put("trustedCode", TrustedCode.OWN);
        values.put("resume", false);
        values.put("dataset_base_path", dataset);
        values.put("dataset_metadata_path", metadata);
        values.put("output_path", output);
    }

    /// Sets an option by its name on the command line.
    ///
    /// @param value of the type of the option's record component; null for the default
    public TrainOptionsBuilder set(String option, @Nullable Object value) {
        values.put(option, value);
        return this;
    }

    /// Sets options by their names on the command line.
    public TrainOptionsBuilder setAll(Map<String, ?> options) {
        values.putAll(options);
        return this;
    }

    public TrainOptionsBuilder task(Task value) {
        return set("task", value);
    }

    public TrainOptionsBuilder repeat(int value) {
        return set("dataset_repeat", value);
    }

    /// Null for those that what goes in needs.
    public TrainOptionsBuilder fileKeys(@Nullable Set<FileKey> value) {
        return set("data_file_keys", value);
    }

    public TrainOptionsBuilder workers(int value) {
        return set("dataset_num_workers", value);
    }

    public TrainOptionsBuilder onBadRow(OnBadRow value) {
        return set("on_bad_row", value);
    }

    public TrainOptionsBuilder shuffle(boolean value) {
        return set("dataset_shuffle", value);
    }

    /// Both, or null for each picture's own size.
    public TrainOptionsBuilder size(@Nullable Integer newHeight, @Nullable Integer newWidth) {
        return set("height", newHeight).set("width", newWidth);
    }

    public TrainOptionsBuilder maxPixels(int value) {
        return set("max_pixels", value);
    }

    public TrainOptionsBuilder extraInputs(Set<ExtraInput> value) {
        return set("extra_inputs", value);
    }

    public TrainOptionsBuilder load(LoadOptions value) {
        return set("load", value);
    }

    public TrainOptionsBuilder trustedCode(TrustedCode value) {
        return set("trustedCode", value);
    }

    public TrainOptionsBuilder template(@Nullable Path folder) {
        return set("template_model_id_or_path", folder);
    }

    public TrainOptionsBuilder trainable(List<String> value) {
        return set("trainable_models", value);
    }

    public TrainOptionsBuilder initializeOnCpu(boolean value) {
        return set("initialize_model_on_cpu", value);
    }

    public TrainOptionsBuilder loraHotLoading(boolean value) {
        return set("enable_lora_hot_loading", value);
    }

    public TrainOptionsBuilder learningRate(double value) {
        return set("learning_rate", value);
    }

    public TrainOptionsBuilder weightDecay(double value) {
        return set("weight_decay", value);
    }

    public TrainOptionsBuilder schedule(LearningRateSchedule value) {
        return set("lr_scheduler", value);
    }

    public TrainOptionsBuilder epochs(@Nullable Integer value) {
        return set("num_epochs", value);
    }

    public TrainOptionsBuilder gradientAccumulationSteps(int value) {
        return set("gradient_accumulation_steps", value);
    }

    public TrainOptionsBuilder gradientCheckpointing(boolean value) {
        return set("use_gradient_checkpointing", value);
    }

    /// Inputs of what is recomputed wait on the CPU; recomputes as [#gradientCheckpointing] does.
    public TrainOptionsBuilder gradientCheckpointingOffload(boolean value) {
        return set("use_gradient_checkpointing_offload", value);
    }

    /// Bytes of activations that are kept, beyond which they are recomputed; null when there is no such bound.
    public TrainOptionsBuilder activationMemory(@Nullable Long value) {
        return set("activation_memory", value);
    }

    public TrainOptionsBuilder findUnusedParameters(boolean value) {
        return set("find_unused_parameters", value);
    }

    public TrainOptionsBuilder seed(@Nullable Long value) {
        return set("seed", value);
    }

    public TrainOptionsBuilder removedPrefix(@Nullable String value) {
        return set("remove_prefix_in_ckpt", value);
    }

    public TrainOptionsBuilder saveSteps(@Nullable Integer value) {
        return set("save_steps", value);
    }

    /// Null keeps all.
    public TrainOptionsBuilder keptCheckpoints(@Nullable Integer value) {
        return set("keep_checkpoints", value);
    }

    /// See [OutputOptions#resume].
    public TrainOptionsBuilder resume(boolean value) {
        return set("resume", value);
    }

    public TrainOptionsBuilder resumeFrom(@Nullable Path value) {
        return set("resume_from_checkpoint", value);
    }

    public TrainOptionsBuilder csvLog(boolean value) {
        return set("enable_csv_log", value);
    }

    public TrainOptionsBuilder tensorboardLog(boolean value) {
        return set("enable_tensorboard_log", value);
    }

    public TrainOptionsBuilder warmupSteps(@Nullable Integer value) {
        return set("warmup_steps", value);
    }

    public TrainOptionsBuilder maxSteps(@Nullable Integer value) {
        return set("max_steps", value);
    }

    public TrainOptionsBuilder batchSize(int value) {
        return set("batch_size", value);
    }

    public TrainOptionsBuilder maxGradNorm(@Nullable Double value) {
        return set("max_grad_norm", value);
    }

    public TrainOptionsBuilder emaDecay(@Nullable Double value) {
        return set("ema_decay", value);
    }

    public TrainOptionsBuilder timestepWeighting(TimestepWeighting value) {
        return set("timestep_weighting", value);
    }

    public TrainOptionsBuilder timesteps(TimestepRange value) {
        return set("min_timestep_boundary", value.min()).set("max_timestep_boundary", value.max());
    }

    public TrainOptionsBuilder captionDropout(double value) {
        return set("caption_dropout", value);
    }

    public TrainOptionsBuilder cacheEncodings(boolean value) {
        return set("cache_encodings", value);
    }

    public TrainOptionsBuilder latentNoise(double value) {
        return set("latent_noise", value);
    }

    public TrainOptionsBuilder klWeight(double value) {
        return set("kl_weight", value);
    }

    /// See [ObjectiveOptions#edgeWeight].
    public TrainOptionsBuilder edgeWeight(double value) {
        return set("edge_weight", value);
    }

    public TrainOptionsBuilder saveDtype(DType value) {
        return set("save_dtype", value);
    }

    public TrainOptionsBuilder saveRawWeights(boolean value) {
        return set("save_raw_weights", value);
    }

    /// @throws io.stencil.error.InvalidRequestException for a value that cannot be used, naming its option
    public TrainOptions build() {
        return TrainOptions.SCHEMA.build(values);
    }
}
