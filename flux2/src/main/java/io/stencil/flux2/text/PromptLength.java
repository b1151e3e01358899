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
}
