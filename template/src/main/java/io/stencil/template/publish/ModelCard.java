package io.stencil.template.publish;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.template.TemplateInput;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/// The `README.md` of a packaged Template: what it takes, what it steers, how it was trained, what it does.
final class ModelCard {

    private ModelCard() {}

    /// @param sample request of the sample images, with the defaults of the model
    /// @param inputs of the Template, for people
    static String text(TemplatePackager.Request request, GenerationRequest sample, String inputs) {
        TemplatePackager.Card facts = request.card();
        Path name = request.output().toAbsolutePath().normalize().getFileName();
        StringBuilder card = new StringBuilder("---\nlibrary_name: stencil\ntags:\n- diffusion-template\n- flux2\n");
        if (facts.baseModelId() != null) {
            card.append("base_model: ").append(quoted(facts.baseModelId())).append('\n');
        }
        if (facts.license() != null) {
            card.append("license: ").append(quoted(facts.license())).append('\n');
        }
        card.append("---\n\n# ").append(name).append("\n\nA Template model for FLUX.2: it steers the images of ");
        card.append(baseModel(facts)).append(" by an input of its own.\n\n## Inputs\n\n    ");
        card.append(inputs).append("\n\n");
        card.append("## Use\n\n    stencil generate --template_model_id_or_path OWNER/")
                .append(name)
                .append(": \\\n        --template_inputs '")
                .append(shown(request.samples().getFirst()).toString().replace("'", "'\\''"))
                .append("' ...\n\n");
        card.append("The folder holds code (`Model.java` or `model.jar`) where there is any: read it, then pass")
                .append(" `--trust_remote_code`.\n\n");
        samples(card, request, sample);
        training(card, facts.training());
        return card.toString();
    }

    private static String baseModel(TemplatePackager.Card facts) {
        String name = facts.baseModelId() == null ? facts.baseModel() : facts.baseModelId();
        return name == null ? "its base model" : "`" + name.replace("`", "'") + "`";
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

    private static void samples(StringBuilder card, TemplatePackager.Request request, GenerationRequest sample) {
        card.append(
                "## Samples\n\nEach from the same noise, on %s: prompt “%s”, seed %s, %s steps, `cfg_scale` %s, %s x %s pixels.\n\n"
                        .formatted(
                                baseModel(request.card()),
                                sample.positive().prompt(),
                                sample.seed(),
                                sample.steps(),
                                sample.cfgScale(),
                                sample.width(),
                                sample.height()));
        card.append("| inputs | image |\n| --- | --- |\n");
        card.append("| without the Template | ![](%s) |\n".formatted(TemplatePackager.UNSTEERED));
        for (int i = 0; i < request.samples().size(); i++) {
            card.append("| `%s` | ![](%s) |\n"
                    .formatted(
                            shown(request.samples().get(i)).toString().replace("|", "\\|"),
                            TemplatePackager.sampleName(i)));
        }
    }

    private static void training(StringBuilder card, Map<String, String> options) {
        card.append("\n## Training\n\n");
        if (options.isEmpty()) {
            card.append("Not recorded.\n");
            return;
        }
        card.append("Options that differ from their defaults:\n\n| option | value |\n| --- | --- |\n");
        new TreeMap<>(options)
                .forEach((name, value) -> card.append("| %s | %s |\n".formatted(name, value.replace("|", "\\|"))));
    }
}
