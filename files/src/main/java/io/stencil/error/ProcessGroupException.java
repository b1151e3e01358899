package io.stencil.error;

import org.jspecify.annotations.Nullable;

/// Processes that work together and cannot go on: one is missing, has failed or has died. Tells its rank where it is
/// known.
public final class ProcessGroupException extends StencilException {

    private static final long serialVersionUID = 1L;

    public ProcessGroupException(String what, @Nullable Throwable cause) {
        super(null, what, cause);
    }

    public ProcessGroupException(String what) {
        this(what, null);
    }
}
