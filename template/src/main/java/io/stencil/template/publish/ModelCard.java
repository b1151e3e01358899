package io.stencil.template.publish;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.stencil.json.JsonFile;
import io.stencil.template.TemplateInput;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// The `README.md` of a packaged Template: what it takes, what it steers, how it was trained, what it does.
final class ModelCard {

    /// Names the options that describe the author's disk alone.
    private static final Set<String> PRIVATE = Set.of(
            "dataset_base_path",
            "dataset_metadata_path",
            "model_paths",
            "model_id_with_origin_paths",
            "tokenizer_path",
            "template_model_id_or_path",
            "output_path",
            "resume_from_checkpoint");

    private ModelCard() {}

    /// @param inputs of the Template, for people
    static String text(TemplatePackager.Request request, String inputs) {
        Path name = request.output().toAbsolutePath().normalize().getFileName();
        StringBuilder card = new StringBuilder("---\nlibrary_name: stencil\ntags:\n- diffusion-template\n- flux2\n");
        if (request.baseModel() != null) {
            card.append("base_model: ").append(quoted(request.baseModel())).append('\n');
        }
        if (request.license() != null) {
            card.append("license: ").append(quoted(request.license())).append('\n');
        }
        card.append("---\n\n# ").append(name).append("\n\nA Template model for FLUX.2: it steers the images of ");
        card.append(request.baseModel() == null ? "its base model" : "`" + request.baseModel() + "`");
        card.append(" by an input of its own.\n\n## Inputs\n\n    ")
                .append(inputs)
                .append("\n\n");
        card.append("## Use\n\n    stencil generate --template_model_id_or_path OWNER/")
                .append(name)
                .append(": \\\n        --template_inputs '")
                .append(shown(request.samples().getFirst()).toString().replace("'", "'\\''"))
                .append("' ...\n\n");
        card.append("The folder holds code (`Model.java` or `model.jar`) where there is any: read it, then pass")
                .append(" `--trust_remote_code`.\n\n");
        samples(card, request);
        training(card, request);
        return card.toString();
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("\\p{Cntrl}", " ") + '"';
    }

    /// The input, with the names of files in place of their paths: where they lie is the author's own.
    private static JsonNode shown(TemplateInput sample) {
        return shown(sample.fields(), sample.folder());
    }

    private static JsonNode shown(JsonNode value, Path folder) {
        return switch (value) {
            case ObjectNode object -> {
                ObjectNode shown = object.objectNode();
                object.properties().forEach(field -> shown.set(field.getKey(), shown(field.getValue(), folder)));
                yield shown;
            }
            case ArrayNode array -> {
                ArrayNode shown = array.arrayNode();
                array.forEach(element -> shown.add(shown(element, folder)));
                yield shown;
            }
            case TextNode text -> new TextNode(withoutFolder(text.textValue(), folder));
            default -> value;
        };
    }

    private static String withoutFolder(String text, Path folder) {
        try {
            Path file = folder.resolve(text);
            Path name = file.getFileName();
            return name != null && Files.isRegularFile(file) ? name.toString() : text;
        } catch (InvalidPathException e) {
            return text; // which names no file, then
        }
    }

    private static void samples(StringBuilder card, TemplatePackager.Request request) {
        card.append("## Samples\n\nPrompt: ")
                .append(request.request().positive().prompt())
                .append("\n\n");
        card.append("| inputs | image |\n| --- | --- |\n");
        for (int i = 0; i < request.samples().size(); i++) {
            TemplateInput sample = request.samples().get(i);
            card.append("| `%s` | ![](%s) |%n"
                    .formatted(shown(sample).toString().replace("|", "\\|"), TemplatePackager.sampleName(i)));
        }
    }

    private static void training(StringBuilder card, TemplatePackager.Request request) {
        Map<String, String> options = new TreeMap<>();
        if (request.checkpoint() != null) {
            Path file = request.checkpoint().resolveSibling("training_args.json");
            if (Files.exists(file)) {
                JsonNode json = JsonFile.read(file).path("options");
                json.properties().forEach(option -> {
                    JsonNode set = option.getValue();
                    String value = set.isValueNode() ? set.asText() : set.toString();
                    if (!PRIVATE.contains(option.getKey()) && !value.contains("/")) {
                        options.put(option.getKey(), value);
                    }
                });
            }
        }
        card.append("\n## Training\n\n");
        if (options.isEmpty()) {
            card.append("Not recorded.\n");
            return;
        }
        card.append("| option | value |\n| --- | --- |\n");
        options.forEach((name, value) -> card.append("| %s | %s |%n".formatted(name, value.replace("|", "\\|"))));
    }
}
