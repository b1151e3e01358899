package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.TrustedCode;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The models of a training run and what of them is trained.
///
/// The base model's weights are mapped and frozen on the CPU or the device from the start, and LoRAs of a
/// Template are always hot-loaded: `initialize_model_on_cpu` and `enable_lora_hot_loading` hold by nature.
///
/// @param base files of the base model
/// @param load dtype of the pipeline's work, its device, and which frozen models rest in float8; what is trained is kept in
///     float32 whatever the dtype
/// @param template folder of the Template, or null when none takes part
/// @param trustedCode code of the Template that may run
/// @param trainable dotted names of what is trained: `template_model`, `template_model.mlp`, `dit`
/// @param offload models to keep out of the device's memory; only none is supported
/// @param initializeOnCpu accepted, see above
/// @param loraHotLoading accepted, see above
public record ModelOptions(
        ModelFiles base,
        LoadOptions load,
        @Nullable Path template,
        TrustedCode trustedCode,
        List<String> trainable,
        List<String> offload,
        boolean initializeOnCpu,
        boolean loraHotLoading) {

    /// @throws InvalidRequestException when nothing is trained
    public ModelOptions {
        trainable = List.copyOf(trainable);
        offload = List.copyOf(offload);
        if (trainable.isEmpty()) {
            throw new InvalidRequestException(
                    "trainable_models", "must name what is trained, such as template_model or template_model.mlp");
        }
    }
}
