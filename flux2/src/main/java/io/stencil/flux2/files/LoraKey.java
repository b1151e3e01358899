package io.stencil.flux2.files;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What one tensor of a LoRA file is: which part of the update of which layer.
///
/// @param layer the layer's dotted name in the transformer
public record LoraKey(String layer, Part part) {

    /// Which tensor of a layer's update it is.
    public enum Part {
        A,
        B,
        ALPHA
    }

    /// An adapter's name may stand behind the matrix: `lora_A.default.weight`.
    private static final Pattern MATRIX = Pattern.compile(
            "(.+)\\.(?:(lora_A|lora_down|lora\\.down)|lora_B|lora_up|lora\\.up)(?:\\.(?!(?:weight|bias)$)[^.]+)?(?:\\.weight)?");
    private static final Pattern ALPHA = Pattern.compile("(.+)\\.alpha");
    private static final Pattern TOOL_PREFIX =
            Pattern.compile("^(?:base_model\\.model\\.)?(?:(?:diffusion_model|transformer)\\.)?");

    /// Reads a tensor's name; empty when it is no LoRA tensor.
    public static Optional<LoraKey> parse(String name) {
        Matcher matrix = MATRIX.matcher(name);
        if (matrix.matches()) {
            return Optional.of(new LoraKey(layer(matrix.group(1)), matrix.group(2) != null ? Part.A : Part.B));
        }
        Matcher alpha = ALPHA.matcher(name);
        return alpha.matches() ? Optional.of(new LoraKey(layer(alpha.group(1)), Part.ALPHA)) : Optional.empty();
    }

    private static String layer(String name) {
        return TOOL_PREFIX.matcher(name).replaceFirst("");
    }
}
