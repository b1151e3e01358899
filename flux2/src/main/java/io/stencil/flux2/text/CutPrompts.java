package io.stencil.flux2.text;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Records which prompts text encoders cut on this thread, for code that does not see the prompts itself.
public final class CutPrompts {

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
