package io.stencil.train.options;

import io.stencil.nn.Module;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.TrustedCode;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Options of the models and of their trained parts.
///
/// The base model's weights are mapped, and read when they are first used, and LoRAs of a Template are always
/// hot-loaded: `initialize_model_on_cpu` and `enable_lora_hot_loading` hold by nature.
///
/// @param base files of the base model
/// @param load dtype of the pipeline's work, its device, and how the weights of frozen models rest; what is trained is
///     kept in float32 whatever the dtype
/// @param trustedCode code of the Template that may run
public record ModelOptions(
        ModelFiles base,
        LoadOptions load,

        @TrainingOption(
                name = "template_model_id_or_path",
                label = "DIR|ID:",
                help = "Folder of the Template that is trained, or its ID at a hub with a colon.",
                docs = "folder of the Template that is trained, or its ID [at a hub](hubs.md#names) with a colon",
                hub = true)
        @Nullable
        Path template,

        TrustedCode trustedCode,

        @TrainingOption(
                name = "trainable_models",
                label = "NAMES",
                help = "What is trained: template_model, or parts such as template_model.mlp; dit; vae.",
                docs = "`template_model`, `dit`, `vae` or dotted parts of them, with commas between; required unless a "
                        + "LoRA is trained")
        List<String> trainable,

        @TrainingOption(name = "initialize_model_on_cpu", hidden = true)
        boolean initializeOnCpu,

        @TrainingOption(name = "enable_lora_hot_loading", hidden = true)
        boolean loraHotLoading) {

    public ModelOptions {
        trainable = List.copyOf(trainable);
    }

    /// Whether a model, or a part of it, is trained.
    ///
    /// @param role as in [io.stencil.train.checkpoint.TrainableParts]: `template_model`, `dit`, `vae`
    boolean trains(String role) {
        return trainable.stream().anyMatch(name -> Module.isWithin(name, role));
    }
}
