package io.stencil.error;

/// An object that cannot do what it was called for in its present state: it is closed, or another call uses it. The
/// message names the object, its state and the remedy.
public final class InvalidStateException extends StencilException {

    private static final long serialVersionUID = 1L;

    public InvalidStateException(String what) {
        super(null, what, null);
    }
}
