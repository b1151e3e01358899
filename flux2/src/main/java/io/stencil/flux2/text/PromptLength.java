package io.stencil.flux2.text;

/// Length of a prompt, and how much of it a text encoder reads.
///
/// @param tokens of the prompt in its chat text, those around the prompt too
/// @param limit tokens that are read; the others have no effect
public record PromptLength(int tokens, int limit) {

    /// Whether the end of the prompt is not read.
    public boolean isCut() {
        return tokens > limit;
    }

    /// The warning that a prompt is cut, in one line.
    ///
    /// @param prompt name of the prompt, such as `negative_prompt`
    public String warning(String prompt) {
        return "%s is cut: it has %s tokens with its chat template, the text encoder reads the first %s; the rest has no effect"
                .formatted(prompt, tokens, limit);
    }
}
