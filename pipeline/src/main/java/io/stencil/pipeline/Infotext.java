package io.stencil.pipeline;

import io.stencil.files.Sha256;
import io.stencil.json.Json;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// Writes generation parameters in the form that AUTOMATIC1111's web interface writes and reads: the prompt, the
/// negative prompt behind `Negative prompt:`, and a line of `Name: value` with commas between.
final class Infotext {

    /// Pixels of one latent token along a side.
    private static final int TOKEN = 16;

    /// Digits of a hash.
    private static final int SHORT_HASH = 10;

    private Infotext() {}

    static String of(GenerationParameters parameters) {
        Map<String, String> values = new LinkedHashMap<>();
        values.put("Steps", Integer.toString(parameters.numInferenceSteps()));
        values.put("Sampler", "Euler");
        values.put("CFG scale", number(parameters.cfgScale()));
        if (parameters.seed() != null) {
            values.put("Seed", parameters.seed().toString());
        }
        values.put("Size", roundedUp(parameters.width()) + "x" + roundedUp(parameters.height()));
        values.put("Model hash", hash(parameters.model()));
        values.put("Model", parameters.model().name());
        if (parameters.images() != null && parameters.images().inputImage() != null) {
            values.put("Denoising strength", number(parameters.denoisingStrength()));
        }
        if (!parameters.loras().isEmpty()) {
            values.put(
                    "Lora hashes",
                    parameters.loras().stream()
                            .map(lora -> fileName(lora.path()) + ": " + digits(lora.hash()))
                            .collect(Collectors.joining(", ")));
            values.put(
                    "Lora strengths",
                    parameters.loras().stream()
                            .map(lora -> fileName(lora.path()) + ": " + number(lora.strength()))
                            .collect(Collectors.joining(", ")));
        }
        if (!parameters.templates().isEmpty()) {
            values.put(
                    "Templates",
                    parameters.templates().stream()
                            .map(template -> fileName(template.path())
                                    + (template.hash() == null ? "" : ": " + digits(template.hash())))
                            .collect(Collectors.joining(", ")));
            values.put("Template inputs", parameters.templateInputs().toString());
            if (!parameters.negativeTemplateInputs().isEmpty()) {
                values.put(
                        "Negative template inputs",
                        parameters.negativeTemplateInputs().toString());
            }
        }
        if (parameters.step() != null) {
            values.put("Training step", parameters.step().toString());
        }
        values.put("Version", "Stencil " + parameters.stencilVersion());
        String line = values.entrySet().stream()
                .map(entry -> entry.getKey() + ": " + quoted(entry.getValue()))
                .collect(Collectors.joining(", "));
        String negative = parameters.negativePrompt();
        return parameters.prompt() + "\n" + (negative.isEmpty() ? "" : "Negative prompt: " + negative + "\n") + line;
    }

    private static int roundedUp(int pixels) {
        return Math.ceilDiv(pixels, TOKEN) * TOKEN;
    }

    private static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e9
                ? Long.toString((long) value)
                : Double.toString(value);
    }

    /// Quotes a value, as a JSON string, where it has what separates values.
    private static String quoted(String value) {
        boolean plain = value.chars().noneMatch(c -> c == ',' || c == ':' || c == '\n' || c == '"');
        return plain ? value : Json.MAPPER.getNodeFactory().textNode(value).toString();
    }

    private static String fileName(String path) {
        String name = path.replaceFirst("[/\\\\]+$", "").replaceFirst("(?s).*[/\\\\]", "");
        return name.replaceFirst("\\.(safetensors|gguf)$", "");
    }

    private static String digits(String hash) {
        String digits = hash.substring(hash.indexOf(':') + 1);
        return digits.substring(0, Math.min(SHORT_HASH, digits.length()));
    }

    /// Returns the first digits of a hash of all parts of a model.
    private static String hash(GenerationParameters.Model model) {
        String hashes = model.parts().stream()
                .flatMap(List::stream)
                .map(GenerationParameters.HashedFile::hash)
                .collect(Collectors.joining("\n"));
        return Sha256.of(hashes.getBytes(StandardCharsets.UTF_8)).substring(0, SHORT_HASH);
    }
}
