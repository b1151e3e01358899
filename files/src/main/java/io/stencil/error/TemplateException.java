package io.stencil.error;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Reports a Template folder that violates the Template contract: no source, source that does not compile, a missing
/// part.
public final class TemplateException extends StencilException {

    private static final long serialVersionUID = 1L;

    public TemplateException(@Nullable Location location, String what, @Nullable Throwable cause) {
        super(location, what, cause);
    }

    public TemplateException(Location location, String what) {
        this(location, what, null);
    }

    public TemplateException(Path file, String what) {
        this(Location.of(file), what, null);
    }
}
