package io.stencil.error;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Reports a fault of the input in one line: place, expected and found value, remedy.
///
/// The message is one line: control characters, line breaks and other [invisible characters][VisibleText] of names and
/// texts that it quotes are escaped. It begins with the [Location] when one is known. The command line prints it alone
/// and keeps the trace for `--debug`.
public abstract sealed class StencilException extends RuntimeException
        permits CancelledException,
                HubException,
                InvalidFileException,
                InvalidRequestException,
                InvalidStateException,
                ProcessGroupException,
                QueueFullException,
                TemplateException {

    private static final long serialVersionUID = 1L;

    private final transient @Nullable Location location;
    private final String what;

    StencilException(@Nullable Location location, String what, @Nullable Throwable cause) {
        String shown = VisibleText.of(withReason(what, cause, location));
        super(location == null ? shown : location + ": " + shown, cause);
        this.location = location;
        this.what = shown;
    }

    /// `what` with the system's words for a failed read or write where it quotes the exception with the name of its
    /// class.
    private static String withReason(String what, @Nullable Throwable cause, @Nullable Location location) {
        return switch (cause) {
            case IOException fault ->
                what.replace(fault.toString(), IoReason.of(fault, location == null ? null : location.file()));
            case UncheckedIOException wrapped -> {
                IOException fault = Objects.requireNonNull(wrapped.getCause());
                yield withReason(what.replace(wrapped.toString(), fault.toString()), fault, location);
            }
            case null, default -> what;
        };
    }

    /// Returns where the fault lies, or null when it has no place.
    public @Nullable Location location() {
        return location;
    }

    /// Returns the place, where one is known, and what is wrong there.
    @Override
    public String getMessage() {
        return Objects.requireNonNull(super.getMessage());
    }

    /// Returns the message without the place.
    public String what() {
        return what;
    }
}
