package io.stencil.hub.http;

import io.stencil.error.HubException;
import org.jspecify.annotations.Nullable;

/// What a request is about, for messages.
///
/// @param repository its address
/// @param file null for the repository as a whole
public record Subject(String repository, @Nullable String file) {

    public HubException fault(String what) {
        return new HubException(repository, file, what);
    }

    public HubException fault(String what, Throwable cause) {
        return new HubException(repository, file, what, cause);
    }
}
