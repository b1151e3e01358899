package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;
import io.stencil.nn.Module;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.template.load.TrustedCode;
import io.stencil.tensor.DType;
import io.stencil.train.optim.LearningRateSchedule;
import io.stencil.train.options.DataOptions.ExtraInput;
import io.stencil.train.options.DataOptions.FileKey;
import io.stencil.train.options.DataOptions.OnBadRow;
import io.stencil.train.options.ObjectiveOptions.TimestepRange;
import io.stencil.train.options.ObjectiveOptions.TimestepWeighting;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// All options of a training run.
///
/// ```java
/// TrainOptions options = TrainOptions.builder(base, dataset, dataset.resolve("metadata.jsonl"), output)
///         .template(folder)
///         .trainable(List.of("template_model"))
///         .extraInputs(Set.of(ExtraInput.TEMPLATE_INPUTS))
///         .build();
/// ```
public record TrainOptions(
        @TrainingOption(
                name = "task",
                label = "sft|sft:data_process|sft:train|vae",
                help = "sft trains in one stage; the next two encode the dataset into --output_path, and "
                        + "train from there without text encoder and VAE.",
                docs = "`sft:data_process` and `sft:train` train in two stages ([below](#two-stages)); `vae` "
                        + "trains the VAE",
                byDefault = "sft")
        Task task,

        DataOptions data,
        ModelOptions models,
        LoraOptions lora,
        ObjectiveOptions objective,
        OptimisationOptions optimisation,
        OutputOptions output,
        ValidationOptions validation,
        SamplingOptions sampling) {

    /// All options and their groups.
    public static final OptionSchema<TrainOptions> SCHEMA = OptionSchema.of(TrainOptions.class);

    /// @throws InvalidRequestException when the parts contradict each other
    public TrainOptions {
        requireTrained(models, lora);
        requireFitting(task, models);
        refuse(task == Task.VAE && lora.isTrained(), "lora_base_model", "has no part in --task vae; leave it out");
        refuse(
                task == Task.VAE && data.maskedLoss() != null,
                "masked_loss",
                "has no part in --task vae, whose loss counts whole images; leave it out");
        requireFrozen(models);
        boolean trainsTemplate = models.trains("template_model");
        boolean takesInputs = data.extraInputs().contains(ExtraInput.TEMPLATE_INPUTS);
        if (models.template() == null && (trainsTemplate || takesInputs)) {
            throw new InvalidRequestException(
                    "template_model_id_or_path",
                    "is missing, but %s needs a Template"
                            .formatted(trainsTemplate ? "trainable_models" : "extra_inputs"));
        }
        if (models.template() != null && !takesInputs) {
            throw new InvalidRequestException(
                    "extra_inputs", "must name template_inputs, which the Template is run with");
        }
        requireMeasurable(task, validation);
        if (output.saveRawWeights() && optimisation.emaDecay() == null) {
            throw new InvalidRequestException(
                    "save_raw_weights", "needs --ema_decay: without an average the weights are what is saved");
        }
        refuse(
                task == Task.VAE && sampling.isEnabled(),
                sampling.steps() == null ? "samples" : "sample_steps",
                "has no part in --task vae, which trains no model that generates images; leave it out");
    }

    /// Something is trained, and a LoRA has a frozen model.
    private static void requireTrained(ModelOptions models, LoraOptions lora) {
        refuse(
                models.trainable().isEmpty() && !lora.isTrained(),
                "trainable_models",
                "must name what is trained, such as template_model or template_model.mlp; for a LoRA of the base model give --lora_base_model dit");
        refuse(
                lora.isTrained() && models.trains("dit"),
                "lora_base_model",
                "names the transformer, which --trainable_models trains too; train either a LoRA or the weights");
    }

    /// The VAE is trained by a task of its own, which trains nothing else.
    private static void requireFitting(Task task, ModelOptions models) {
        boolean trainsVae = models.trains("vae");
        if (task != Task.VAE) {
            refuse(trainsVae, "trainable_models", "names the VAE, which only --task vae trains");
            return;
        }
        refuse(
                !models.trainable().stream().allMatch(name -> Module.isWithin(name, "vae")),
                "trainable_models",
                "must be vae or parts of it with --task vae, found " + String.join(",", models.trainable()));
        refuse(models.template() != null, "template_model_id_or_path", "has no part in --task vae; leave it out");
    }

    private static void requireMeasurable(Task task, ValidationOptions validation) {
        refuse(
                task == Task.SFT_TRAIN && validation.metadataPath() != null,
                "validation_metadata_path",
                "has no part in --task sft:train, which reads encoded samples: encode these rows by --task sft:data_process and name their folder by --validation_base_path");
        refuse(
                task != Task.SFT_TRAIN && validation.basePath() != null && validation.metadataPath() == null,
                "validation_base_path",
                "needs --validation_metadata_path, the rows whose paths are relative to it");
    }

    /// Weights in float8 take no updates, and those in files no more.
    private static void requireFrozen(ModelOptions models) {
        for (String name : models.trainable()) {
            Optional<ModelRole> role = ModelRole.named(name.replaceFirst("\\..*", ""));
            refuse(
                    role.isPresent() && models.load().float8().contains(role.get()),
                    "fp8_models",
                    "names the model of '%s', which is trained; only frozen models rest in float8".formatted(name));
            refuse(
                    role.isPresent() && models.load().offload().contains(role.get()),
                    "offload_models",
                    "names the model of '%s', which is trained and must stay in memory".formatted(name));
        }
    }

    /// A builder with the defaults of the command line.
    ///
    /// @param base the base model
    /// @param dataset folder against which the paths in `metadata` are resolved
    /// @param output folder of the results
    public static Builder builder(ModelFiles base, Path dataset, Path metadata, Path output) {
        return new Builder(base, dataset, metadata, output);
    }

    private static void refuse(boolean given, String option, String what) {
        if (given) {
            throw new InvalidRequestException(option, what);
        }
    }

    /// Builds training options from values by name and the defaults of [TrainingOption]. A method for a single option
    /// only adds its type: an option without one is set by [#set].
    public static final class Builder {

        private final Map<String, @Nullable Object> values = new HashMap<>();

        Builder(ModelFiles base, Path dataset, Path metadata, Path output) {
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
        public Builder set(String option, @Nullable Object value) {
            values.put(option, value);
            return this;
        }

        /// Sets options by their names on the command line.
        public Builder setAll(Map<String, ?> options) {
            values.putAll(options);
            return this;
        }

        public Builder task(Task value) {
            return set("task", value);
        }

        public Builder repeat(int value) {
            return set("dataset_repeat", value);
        }

        /// Null for those that what goes in needs.
        public Builder fileKeys(@Nullable Set<FileKey> value) {
            return set("data_file_keys", value);
        }

        public Builder workers(int value) {
            return set("dataset_num_workers", value);
        }

        public Builder onBadRow(OnBadRow value) {
            return set("on_bad_row", value);
        }

        public Builder shuffle(boolean value) {
            return set("dataset_shuffle", value);
        }

        /// Both, or null for each image's own size.
        public Builder size(@Nullable Integer newHeight, @Nullable Integer newWidth) {
            return set("height", newHeight).set("width", newWidth);
        }

        public Builder maxPixels(int value) {
            return set("max_pixels", value);
        }

        public Builder extraInputs(Set<ExtraInput> value) {
            return set("extra_inputs", value);
        }

        public Builder load(LoadOptions value) {
            return set("load", value);
        }

        public Builder trustedCode(TrustedCode value) {
            return set("trustedCode", value);
        }

        public Builder template(@Nullable Path folder) {
            return set("template_model_id_or_path", folder);
        }

        public Builder trainable(List<String> value) {
            return set("trainable_models", value);
        }

        public Builder initializeOnCpu(boolean value) {
            return set("initialize_model_on_cpu", value);
        }

        public Builder loraHotLoading(boolean value) {
            return set("enable_lora_hot_loading", value);
        }

        public Builder learningRate(double value) {
            return set("learning_rate", value);
        }

        public Builder weightDecay(double value) {
            return set("weight_decay", value);
        }

        public Builder schedule(LearningRateSchedule value) {
            return set("lr_scheduler", value);
        }

        public Builder epochs(@Nullable Integer value) {
            return set("num_epochs", value);
        }

        public Builder gradientAccumulationSteps(int value) {
            return set("gradient_accumulation_steps", value);
        }

        public Builder gradientCheckpointing(boolean value) {
            return set("use_gradient_checkpointing", value);
        }

        /// Inputs of what is recomputed wait on the CPU; recomputes as [#gradientCheckpointing] does.
        public Builder gradientCheckpointingOffload(boolean value) {
            return set("use_gradient_checkpointing_offload", value);
        }

        /// Bytes of activations that are kept, beyond which they are recomputed; null when there is no such bound.
        public Builder activationMemory(@Nullable Long value) {
            return set("activation_memory", value);
        }

        public Builder findUnusedParameters(boolean value) {
            return set("find_unused_parameters", value);
        }

        public Builder seed(@Nullable Long value) {
            return set("seed", value);
        }

        public Builder removedPrefix(@Nullable String value) {
            return set("remove_prefix_in_ckpt", value);
        }

        public Builder saveSteps(@Nullable Integer value) {
            return set("save_steps", value);
        }

        /// Null keeps all.
        public Builder keptCheckpoints(@Nullable Integer value) {
            return set("keep_checkpoints", value);
        }

        /// See [OutputOptions#resume].
        public Builder resume(boolean value) {
            return set("resume", value);
        }

        public Builder resumeFrom(@Nullable Path value) {
            return set("resume_from_checkpoint", value);
        }

        public Builder csvLog(boolean value) {
            return set("enable_csv_log", value);
        }

        public Builder tensorboardLog(boolean value) {
            return set("enable_tensorboard_log", value);
        }

        public Builder warmupSteps(@Nullable Integer value) {
            return set("warmup_steps", value);
        }

        public Builder maxSteps(@Nullable Integer value) {
            return set("max_steps", value);
        }

        public Builder batchSize(int value) {
            return set("batch_size", value);
        }

        public Builder maxGradNorm(@Nullable Double value) {
            return set("max_grad_norm", value);
        }

        public Builder emaDecay(@Nullable Double value) {
            return set("ema_decay", value);
        }

        public Builder timestepWeighting(TimestepWeighting value) {
            return set("timestep_weighting", value);
        }

        public Builder timesteps(TimestepRange value) {
            return set("min_timestep_boundary", value.min()).set("max_timestep_boundary", value.max());
        }

        public Builder captionDropout(double value) {
            return set("caption_dropout", value);
        }

        public Builder cacheEncodings(boolean value) {
            return set("cache_encodings", value);
        }

        public Builder latentNoise(double value) {
            return set("latent_noise", value);
        }

        public Builder klWeight(double value) {
            return set("kl_weight", value);
        }

        /// See [ObjectiveOptions#edgeWeight].
        public Builder edgeWeight(double value) {
            return set("edge_weight", value);
        }

        public Builder saveDtype(DType value) {
            return set("save_dtype", value);
        }

        public Builder saveRawWeights(boolean value) {
            return set("save_raw_weights", value);
        }

        /// @throws io.stencil.error.InvalidRequestException for a value that cannot be used, naming its option
        public TrainOptions build() {
            return TrainOptions.SCHEMA.build(values);
        }
    }
}
