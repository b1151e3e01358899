package io.stencil.error;

import org.jspecify.annotations.Nullable;

/// Reports an invalid value of a caller: an option, a parameter of a request, a Template input.
public final class InvalidRequestException extends StencilException {

    private static final long serialVersionUID = 1L;

    public InvalidRequestException(@Nullable Location location, String what, @Nullable Throwable cause) {
        super(location, what, cause);
    }

    public InvalidRequestException(Location location, String what) {
        this(location, what, null);
    }

    /// @param parameter name of the option or parameter that was given
    public InvalidRequestException(String parameter, String what) {
        this(Location.ofField(parameter), what, null);
    }
}
