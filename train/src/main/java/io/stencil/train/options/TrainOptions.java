package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import java.nio.file.Path;
import java.util.Optional;

/// All that is asked of a training run.
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
        ObjectiveOptions objective,
        OptimisationOptions optimisation,
        OutputOptions output) {

    /// All options and their groups.
    public static final OptionSchema<TrainOptions> SCHEMA = OptionSchema.of(TrainOptions.class);

    /// @throws InvalidRequestException when the parts contradict each other
    public TrainOptions {
        requireFitting(task, models);
        requireFrozen(models);
        boolean trainsTemplate = models.trainable().stream()
                .anyMatch(name -> name.equals("template_model") || name.startsWith("template_model."));
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
        if (output.saveRawWeights() && optimisation.emaDecay() == null) {
            throw new InvalidRequestException(
                    "save_raw_weights", "needs --ema_decay: without an average the weights are what is saved");
        }
    }

    /// The VAE is trained by a task of its own, which trains nothing else.
    private static void requireFitting(Task task, ModelOptions models) {
        boolean trainsVae = models.trainable().stream().anyMatch(TrainOptions::isOfVae);
        if (task != Task.VAE) {
            refuse(trainsVae, "trainable_models", "names the VAE, which only --task vae trains");
            return;
        }
        refuse(
                !models.trainable().stream().allMatch(TrainOptions::isOfVae),
                "trainable_models",
                "must be vae or parts of it with --task vae, found " + String.join(",", models.trainable()));
        refuse(models.template() != null, "template_model_id_or_path", "has no part in --task vae; leave it out");
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

    private static boolean isOfVae(String name) {
        return name.equals("vae") || name.startsWith("vae.");
    }

    /// A builder with the defaults of the command line.
    ///
    /// @param base the base model
    /// @param dataset folder against which the paths in `metadata` are resolved
    /// @param output folder of the results
    public static TrainOptionsBuilder builder(ModelFiles base, Path dataset, Path metadata, Path output) {
        return new TrainOptionsBuilder(base, dataset, metadata, output);
    }

    /// Refuses what is known and not supported.
    ///
    /// @throws InvalidRequestException naming the option
    public void requireSupported() {
        refuse(output.tensorboardLog(), "enable_tensorboard_log", "is not supported; use --enable_csv_log");
    }

    private static void refuse(boolean asked, String option, String what) {
        if (asked) {
            throw new InvalidRequestException(option, what);
        }
    }
}
