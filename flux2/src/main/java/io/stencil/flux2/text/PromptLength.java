package io.stencil.flux2.text;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

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

    /// Records which prompts text encoders cut on this thread, for code that does not see the prompts itself.
    public static final class CutPrompts {

        private static final ThreadLocal<@Nullable List<PromptLength>> RECORDED = new ThreadLocal<>();

        private CutPrompts() {}

        /// Runs `work` and adds the length of each prompt that is cut within it to `lengths`.
        public static <T> T record(List<PromptLength> lengths, Supplier<T> work) {
            List<PromptLength> outer = RECORDED.get();
            List<PromptLength> own = new ArrayList<>();
            RECORDED.set(own);
            try {
                return work.get();
            } finally {
                if (outer == null) {
                    RECORDED.remove();
                } else {
                    RECORDED.set(outer);
                }
                lengths.addAll(own);
            }
        }

        static boolean areRecorded() {
            return RECORDED.get() != null;
        }

        static void add(PromptLength length) {
            List<PromptLength> lengths = RECORDED.get();
            if (lengths != null && length.isCut()) {
                lengths.add(length);
            }
        }
    }
}
