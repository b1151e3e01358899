package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;
import java.util.EnumSet;
import java.util.Set;

/// What of a dataset's row goes into training beside picture and prompt.
public enum ExtraInput {
    /// Images that the transformer looks at.
    EDIT_IMAGE("edit_image"),
    /// Goes to the Template.
    TEMPLATE_INPUTS("template_inputs");

    private final String key;

    ExtraInput(String key) {
        this.key = key;
    }

    /// The key of a dataset's row.
    public String key() {
        return key;
    }

    /// Reads a comma-separated list; the empty text is the empty set.
    ///
    /// @throws InvalidRequestException for a name that is not known
    public static Set<ExtraInput> parse(String list) {
        EnumSet<ExtraInput> inputs = EnumSet.noneOf(ExtraInput.class);
        for (String name : list.split(",", -1)) {
            if (!list.isBlank()) {
                inputs.add(one(name.strip()));
            }
        }
        return inputs;
    }

    private static ExtraInput one(String name) {
        for (ExtraInput input : values()) {
            if (input.key.equals(name)) {
                return input;
            }
        }
        throw new InvalidRequestException(
                "extra_inputs", "knows template_inputs and edit_image, found '%s'".formatted(name));
    }
}
