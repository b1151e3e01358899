package io.stencil.error;

import org.jspecify.annotations.Nullable;

/// A fault of the input, told in one line: where it is, what was expected and found, what to do.
///
/// The message begins with the [Location] when one is known. The command line prints it alone and keeps the trace for
/// `--debug`.
public abstract sealed class StencilException extends RuntimeException
        permits InvalidFileException, InvalidRequestException, TemplateException {

    private static final long serialVersionUID = 1L;

    private final transient @Nullable Location location;

    StencilException(@Nullable Location location, String what, @Nullable Throwable cause) {
        super(location == null ? what : location + ": " + what, cause);
        this.location = location;
    }

    /// Where the fault lies, or null when it has no place.
    public @Nullable Location location() {
        return location;
    }
}
