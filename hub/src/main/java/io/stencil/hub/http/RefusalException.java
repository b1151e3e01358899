package io.stencil.hub.http;

import io.stencil.error.HubException;
import java.io.IOException;

/// Why a [HubException] came: the hub answered and said no, and would say it again.
public final class RefusalException extends IOException {

    private static final long serialVersionUID = 1L;

    RefusalException(String text) {
        super(text);
    }

    /// Whether a fault is a hub's no, rather than a hub that fails or cannot be reached.
    public static boolean isIn(HubException fault) {
        return fault.getCause() instanceof RefusalException;
    }
}
