package io.stencil.testing;

import io.stencil.tensor.CancellationToken;
import java.util.ArrayList;
import java.util.List;

/// Cancels as soon as it is asked within a class, and records how often it was asked there before.
public final class StackToken extends CancellationToken {

    private final String type;
    private final int passed;
    private final List<String> asked = new ArrayList<>();

    /// @param type simple name of a class
    /// @param passed how often it is asked there before it cancels
    public StackToken(String type, int passed) {
        this.type = type;
        this.passed = passed;
    }

    @Override
    public boolean isCancelled() {
        boolean within = StackWalker.getInstance()
                .walk(frames -> frames.anyMatch(frame -> frame.getClassName().matches(".*[.$]" + type)));
        if (within) {
            asked.add(type);
        }
        return asked.size() > passed;
    }
}
