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
/// The base model's weights are mapped, and read when they are first used, and LoRAs of a Template are always
/// hot-loaded: `initialize_model_on_cpu` and `enable_lora_hot_loading` hold by nature.
///
/// @param base files of the base model
/// @param load dtype of the pipeline's work, its device, and how the weights of frozen models rest; what is trained is
///     kept in float32 whatever the dtype
/// @param template folder of the Template, or null when none takes part
/// @param trustedCode code of the Template that may run
/// @param trainable dotted names of what is trained: `template_model`, `template_model.mlp`, `dit`
/// @param initializeOnCpu accepted, see above
/// @param loraHotLoading accepted, see above
public record ModelOptions(
        ModelFiles base,
        LoadOptions load,
        @Nullable Path template,
        TrustedCode trustedCode,
        List<String> trainable,
        boolean initializeOnCpu,
        boolean loraHotLoading) {

    /// @throws InvalidRequestException when nothing is trained
    public ModelOptions {
        trainable = List.copyOf(trainable);
        if (trainable.isEmpty()) {
            throw new InvalidRequestException(
                    "trainable_models", "must name what is trained, such as template_model or template_model.mlp");
        }
    }
}
