package io.stencil.pipeline;

import io.stencil.error.NameList;
import java.util.List;

/// How a LoRA file fits the transformer.
///
/// @param matched number of the file's layers that the transformer has
/// @param unmatched layers of the file that it does not have
public record LoraMatch(int matched, List<String> unmatched) {

    public LoraMatch {
        unmatched = List.copyOf(unmatched);
    }

    /// One line for people.
    @Override
    public String toString() {
        String rest =
                unmatched.isEmpty() ? "" : ", %s left out: %s".formatted(unmatched.size(), NameList.of(unmatched));
        return "LoRA of %s layers used".formatted(matched) + rest;
    }
}
