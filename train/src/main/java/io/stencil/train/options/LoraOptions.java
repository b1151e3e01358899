package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.files.LoraFormat;
import io.stencil.pipeline.unit.ModelRole;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Options of a LoRA of the base model that is trained.
public record LoraOptions(
        @TrainingOption(
                name = "lora_base_model",
                label = "dit",
                help = "Train a LoRA of this model, which stays frozen: dit.",
                docs =
                        "trains a [LoRA](loras.md#train-a-lora) of this model, alone or beside a Template: `dit`, the transformer. "
                                + "The model itself stays frozen",
                unset = "no LoRA",
                tasks = {Task.SFT, Task.SFT_TRAIN})
        @Nullable
        String baseModel,

        @TrainingOption(
                name = "lora_target_modules",
                label = "NAMES",
                help = "Layers that the LoRA updates, by the ends of their names.",
                docs =
                        "linear layers that the LoRA updates, with commas between: a layer's whole name, or the end of it behind "
                                + "a dot",
                unset = "projections of attention and feed-forward of all blocks",
                tasks = {Task.SFT, Task.SFT_TRAIN})
        List<String> targets,

        @TrainingOption(
                name = "lora_rank",
                help = "Rank of the LoRA.",
                docs = "rank of the LoRA's matrices",
                byDefault = "32",
                tasks = {Task.SFT, Task.SFT_TRAIN})
        int rank,

        @TrainingOption(
                name = "lora_alpha",
                help = "The update is scaled by this over the rank.",
                docs = "scales the update by alpha / rank",
                unset = "the rank",
                tasks = {Task.SFT, Task.SFT_TRAIN})
        @Nullable
        Double alphaOrNull,

        @TrainingOption(
                name = "lora_checkpoint",
                label = "FILE|ID:FILE",
                help = "Begin with the LoRA of a file, in any tool's names.",
                docs =
                        "begins with the LoRA of a file, in the names of any tool; it must have the layers and the rank of the options",
                hub = true,
                tasks = {Task.SFT, Task.SFT_TRAIN})
        @Nullable
        Path checkpoint,

        @TrainingOption(
                name = "lora_format",
                label = "diffusers|comfyui|kohya",
                help = "Names of the LoRA's tensors in its files.",
                docs = "names of the tensors in the LoRA's files ([formats](loras.md#formats))",
                byDefault = "diffusers",
                tasks = {Task.SFT, Task.SFT_TRAIN},
                onResume = TrainingOption.OnResume.FREE)
        LoraFormat format) {

    /// Projections of attention and feed-forward of both kinds of blocks: in a block of two streams the output of
    /// attention is `to_out.0`, in one of one stream `to_out`.
    private static final List<String> PROJECTIONS = List.of(
            "to_q",
            "to_k",
            "to_v",
            "to_out.0",
            "add_q_proj",
            "add_k_proj",
            "add_v_proj",
            "to_add_out",
            "linear_in",
            "linear_out",
            "to_qkv_mlp_proj",
            "to_out");

    /// @throws InvalidRequestException naming the option that cannot be used
    public LoraOptions {
        targets = targets.isEmpty() && baseModel != null
                ? PROJECTIONS
                : targets.stream().map(String::strip).distinct().toList();
        if (baseModel != null && ModelRole.named(baseModel).orElse(null) != ModelRole.TRANSFORMER) {
            throw new InvalidRequestException(
                    "lora_base_model", "must be dit, the transformer, found '%s'".formatted(baseModel));
        }
        if (baseModel == null && checkpoint != null) {
            throw new InvalidRequestException("lora_checkpoint", "needs --lora_base_model dit");
        }
        if (targets.contains("")) {
            throw new InvalidRequestException("lora_target_modules", "must name layers, such as to_q,to_k,to_v");
        }
        OptimisationOptions.requireAtLeastOne("lora_rank", rank);
        if (alphaOrNull != null) {
            if (!(alphaOrNull > 0 && Double.isFinite(alphaOrNull))) {
                throw new InvalidRequestException("lora_alpha", "must be a number above 0, found " + alphaOrNull);
            }
            OptimisationOptions.requireFloat32("lora_alpha", alphaOrNull);
        }
    }

    /// Whether a LoRA is trained.
    public boolean isTrained() {
        return baseModel != null;
    }

    /// Numerator of the scale.
    public double alpha() {
        return alphaOrNull == null ? rank : alphaOrNull;
    }
}
