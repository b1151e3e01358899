package io.stencil.template.load;

import io.stencil.error.Location;
import io.stencil.error.StencilException;
import io.stencil.error.TemplateException;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Calls into the code of a Template's author, whose faults are told with the file and the method they come from.
final class AuthorCode {

    private AuthorCode() {}

    /// What `code` gives.
    ///
    /// @param origin the file that declares the code
    /// @param method for messages
    /// @throws TemplateException when it throws or gives null
    /// @throws StencilException what it throws of this kind, as it is
    static <T> T call(Path origin, String method, Supplier<? extends @Nullable T> code) {
        T result;
        try {
            result = code.get();
        } catch (StencilException e) {
            throw e;
        } catch (RuntimeException | LinkageError e) {
            throw fault(origin, method, e);
        }
        if (result == null) {
            throw new TemplateException(origin, method + " returned null");
        }
        return result;
    }

    /// An error for what `method` threw, in one line.
    static TemplateException fault(Path origin, String method, Throwable thrown) {
        String message = thrown.getMessage() == null
                ? ""
                : ": " + thrown.getMessage().lines().findFirst().orElse("");
        return new TemplateException(
                Location.of(origin),
                "%s threw %s%s".formatted(method, thrown.getClass().getSimpleName(), message),
                thrown);
    }
}
