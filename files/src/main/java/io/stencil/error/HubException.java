package io.stencil.error;

import org.jspecify.annotations.Nullable;

/// Reports a model hub that refuses, fails, or returns something else than it announced; names repository, file and
/// cause.
public final class HubException extends StencilException {

    private static final long serialVersionUID = 1L;

    /// @param repository address of the repository, for people
    /// @param file of it, or null when the fault concerns all of it
    public HubException(String repository, @Nullable String file, String what, @Nullable Throwable cause) {
        super(new Location(repository, null, file), what, cause);
    }

    public HubException(String repository, @Nullable String file, String what) {
        this(repository, file, what, null);
    }
}
