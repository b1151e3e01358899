package io.stencil.error;

import org.jspecify.annotations.Nullable;

/// Reports a process group that cannot go on, as one process is missing, has failed or has died; names its rank where
/// it is known.
public final class ProcessGroupException extends StencilException {

    private static final long serialVersionUID = 1L;

    public ProcessGroupException(String what, @Nullable Throwable cause) {
        super(null, what, cause);
    }

    public ProcessGroupException(String what) {
        this(what, null);
    }
}
