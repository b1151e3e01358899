package io.stencil.error;

/// Reports a call that ended before its result was there, because it was cancelled or its thread was interrupted.
public final class CancelledException extends StencilException {

    private static final long serialVersionUID = 1L;

    public CancelledException(String what) {
        super(null, what, null);
    }
}
