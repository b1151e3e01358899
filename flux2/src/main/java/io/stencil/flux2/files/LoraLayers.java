package io.stencil.flux2.files;

import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.safetensors.TensorLayout.Change;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Layers of a transformer under all names that LoRA files have for them: those of diffusers and of Black Forest Labs,
/// with dots or with underscores in their place, behind the prefix of a tool.
final class LoraLayers {

    /// A linear layer of the model.
    ///
    /// @param name of the layer
    /// @param rows of the file's layer that are this one's
    record Target(String name, Linear layer, Change rows) {}

    /// A layer of a LoRA file that the model has.
    ///
    /// @param name with dots and without prefix, which is the same for all spellings
    /// @param targets the model's layers that it holds: three for a fused projection of q, k and v, else one
    record Found(String name, List<Target> targets) {

        long rows() {
            return targets.stream()
                    .mapToLong(target -> target.layer.weight().shape()[0])
                    .sum();
        }

        long columns() {
            return targets.getFirst().layer.weight().shape()[1];
        }
    }

    private final Map<String, Found> layers = new HashMap<>();

    LoraLayers(Module model) {
        Map<String, List<Target>> fused = new HashMap<>();
        model.modules().forEach((name, part) -> {
            if (part instanceof Linear linear) {
                put(name, List.of(new Target(name, linear, Change.NONE)));
                BflNames.bfl(name)
                        .ifPresent(bfl -> fused.computeIfAbsent(bfl.name(), _ -> new ArrayList<>())
                                .add(new Target(name, linear, bfl.rows())));
            }
        });
        fused.forEach(this::put);
    }

    private void put(String name, List<Target> targets) {
        Found found = new Found(name, targets);
        layers.put(name, found);
        layers.putIfAbsent(flat(name), found);
    }

    private static String flat(String name) {
        return name.replace('.', '_');
    }

    /// Finds the layer that a name in a file stands for; empty when the model has none.
    Optional<Found> find(String layer) {
        return Optional.ofNullable(layers.get(Name.of(layer).layer));
    }

    /// A layer's name in a file, taken apart.
    ///
    /// @param layer without prefix
    record Name(String prefix, String layer) {

        private static final String PEFT = "base_model.model.";
        private static final Pattern PREFIX = Pattern.compile(
                "(lora_unet_|lora_transformer_|lycoris_|(?:base_model\\.model\\.)?(?:(?:model\\.)?diffusion_model\\.|transformer\\.)?)(.+)");
        private static final Pattern BFL = Pattern.compile(
                "(?:double_blocks|single_blocks|img_in|txt_in|time_in|guidance_in|final_layer)\\b.*|.*_modulation(?:_img|_txt)?\\.lin");
        private static final Pattern FLAT = Pattern.compile("\\w*_blocks_\\d+_\\w+");
        private static final Pattern TEXT_ENCODER = Pattern.compile(
                "(?:base_model\\.model\\.)?(?:text_encoders?(?:_\\d)?|text_model|te\\d?|cond_stage_model|conditioner)\\..+|lora_te\\d?_.+");

        static Name of(String layer) {
            Matcher parts = PREFIX.matcher(layer);
            return parts.matches() ? new Name(parts.group(1), parts.group(2)) : new Name("", layer);
        }

        static boolean isOfTextEncoder(String layer) {
            return TEXT_ENCODER.matcher(layer).matches();
        }

        String dialect() {
            boolean bfl = BFL.matcher(layer).matches();
            boolean flat = FLAT.matcher(layer).matches();
            return switch (prefix) {
                case "lora_unet_" -> "musubi-tuner and kohya";
                case "lora_transformer_" -> "OneTrainer";
                case "lycoris_" -> "LyCORIS";
                case "transformer." -> bfl || flat ? "mixed diffusers and BFL" : "diffusers";
                case "" -> bfl ? "BFL" : flat ? "underscored" : "DiffSynth-Studio";
                default ->
                    prefix.startsWith(PEFT)
                            ? "PEFT"
                            : flat
                                    ? "half-converted musubi-tuner"
                                    : bfl ? "ai-toolkit and ComfyUI" : "ComfyUI and diffusers";
            };
        }
    }
}
