package io.stencil.hub.http;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A fault of this machine's disk while something was sent or received: no fault of the connection, and no reason to
/// ask again.
public final class LocalFault extends IOException {

    private static final long serialVersionUID = 1L;

    private final transient Path file;

    /// @param what such as "cannot be read"
    public LocalFault(Path file, String what, @Nullable IOException cause) {
        super(cause == null ? what : what + ": " + cause, cause);
        this.file = file;
    }

    /// The fault as it is told, when `fault` is one or was made by one.
    static Optional<InvalidFileException> of(Throwable fault) {
        Throwable at = fault;
        while (at != null) {
            if (at instanceof LocalFault local) {
                return Optional.of(
                        new InvalidFileException(Location.of(local.file), String.valueOf(local.getMessage()), local));
            }
            at = at.getCause();
        }
        return Optional.empty();
    }
}
