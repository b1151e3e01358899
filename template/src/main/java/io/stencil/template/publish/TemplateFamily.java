package io.stencil.template.publish;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.NameList;
import java.util.Arrays;

/// What a new Template can begin as.
public enum TemplateFamily {
    VALUE("value", "One number becomes keys and values for every block.", "{\"scale\": 0.8}"),
    IMAGE_KV("image-kv", "A picture becomes keys and values for every block.", "{\"image\": \"reference.png\"}"),
    LORA("lora", "One number is the strength of a trained LoRA.", "{\"scale\": 0.8}"),
    TEXT("text", "One number becomes words that are appended to the prompt.", "{\"scale\": 0.8}");

    private final String option;
    private final String summary;
    private final String exampleInput;

    TemplateFamily(String option, String summary, String exampleInput) {
        this.option = option;
        this.summary = summary;
        this.exampleInput = exampleInput;
    }

    /// Its name on the command line, and of its folder of resources.
    public String option() {
        return option;
    }

    String summary() {
        return summary;
    }

    String exampleInput() {
        return exampleInput;
    }

    /// @throws InvalidRequestException for a name that is not known
    public static TemplateFamily parse(String name) {
        for (TemplateFamily family : values()) {
            if (family.option.equals(name)) {
                return family;
            }
        }
        String known =
                NameList.of(Arrays.stream(values()).map(TemplateFamily::option).toList());
        throw new InvalidRequestException("family", "'%s' is not a family; expected one of %s".formatted(name, known));
    }
}
