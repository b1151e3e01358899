package io.stencil.error;

/// Reports a call that an object cannot serve in its present state: it is closed, or another call uses it. The
/// message names the object, its state and the remedy.
public final class InvalidStateException extends StencilException {

    private static final long serialVersionUID = 1L;

    public InvalidStateException(String what) {
        super(null, what, null);
    }
}
