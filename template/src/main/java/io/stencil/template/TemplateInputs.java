package io.stencil.template;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.Arguments;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.json.Json;
import io.stencil.json.JsonReason;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Template inputs as JSON text: one object, or an array of them, each with an optional `model_id`.
public final class TemplateInputs {

    private TemplateInputs() {}

    /// Reads inputs; paths in them are resolved against the working directory.
    public static List<TemplateInput> parse(String json) {
        return parse("template_inputs", json, Path.of(""));
    }

    /// @param option for messages
    /// @param folder against which paths of images are resolved
    /// @throws InvalidRequestException when the text is not one or several objects, or a `model_id` is no whole number
    public static List<TemplateInput> parse(String option, String json, Path folder) {
        JsonNode root = read(option, Arguments.require(option, json));
        List<TemplateInput> inputs = new ArrayList<>();
        for (JsonNode node : root.isArray() ? root : List.of(root)) {
            if (!(node instanceof ObjectNode object)) {
                throw new InvalidRequestException(
                        option, "must be an object such as {\"scale\": 0.8}, or a list of them, found " + node);
            }
            inputs.add(input(option, object.deepCopy(), folder));
        }
        return inputs;
    }

    private static TemplateInput input(String option, ObjectNode fields, Path folder) {
        JsonNode id = fields.remove(TemplateInput.MODEL_ID);
        if (id != null && !(id.isIntegralNumber() && id.canConvertToInt())) {
            throw new InvalidRequestException(
                    option + "." + TemplateInput.MODEL_ID, "must be a whole number, found " + id);
        }
        return new TemplateInput(id == null ? 0 : id.intValue(), fields, folder);
    }

    private static JsonNode read(String option, String json) {
        try {
            return Json.MAPPER.readTree(json);
        } catch (JsonProcessingException e) {
            throw new InvalidRequestException(Location.ofField(option), "is not JSON: " + JsonReason.of(e), e);
        }
    }
}
