package io.stencil.error;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Reports a file that is absent, unreadable, or does not hold what it must.
public final class InvalidFileException extends StencilException {

    private static final long serialVersionUID = 1L;

    public InvalidFileException(@Nullable Location location, String what, @Nullable Throwable cause) {
        super(location, what, cause);
    }

    public InvalidFileException(Location location, String what) {
        this(location, what, null);
    }

    public InvalidFileException(Path file, String what) {
        this(Location.of(file), what, null);
    }
}
