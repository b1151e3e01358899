package io.stencil.cli;

import io.stencil.error.IoReason;
import io.stencil.error.StencilException;
import io.stencil.files.LocalPath;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.InvalidPathException;
import java.util.Objects;
import java.util.stream.Collectors;

/// Faults in one line, also those that come with a native trace or from the virtual machine.
final class FaultText {

    /// Begins the C++ stack trace in a message of libtorch.
    private static final String NATIVE_TRACE = "Exception raised from ";

    /// How libtorch says that the system has no memory left; a device is named before it.
    private static final String NO_MEMORY = "can't allocate memory";

    private FaultText() {}

    static String of(Throwable fault) {
        return switch (fault) {
            case StencilException told -> String.valueOf(told.getMessage());
            case InvalidPathException bad -> "'%s' is not a path: %s".formatted(bad.getInput(), LocalPath.reason(bad));
            case OutOfMemoryError full ->
                "out of memory (%s): make pictures or batches smaller, or give Java more, such as STENCIL_JAVA_OPTS=-Xmx8g"
                        .formatted(reason(full));
            case StackOverflowError _ ->
                "the stack is full: something is nested too deeply; give Java more, such as STENCIL_JAVA_OPTS=-Xss16m";
            case LinkageError broken ->
                "a library or class cannot be loaded (%s): build Stencil anew; its native libraries need Linux on x86-64"
                        .formatted(broken.getClass().getSimpleName() + ": " + reason(broken));
            case IOException io -> "reading or writing failed: " + oneLine(IoReason.of(io));
            case UncheckedIOException wrapped -> of(Objects.requireNonNull(wrapped.getCause()));
            default ->
                reason(fault).contains(NO_MEMORY)
                        ? "out of memory (%s): make pictures or batches smaller".formatted(reason(fault))
                        : "unexpected " + oneLine(fault.toString());
        };
    }

    /// The message without its native trace, its lines joined.
    static String oneLine(String message) {
        return message.lines()
                .takeWhile(line -> !line.startsWith(NATIVE_TRACE))
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .collect(Collectors.joining(" "));
    }

    private static String reason(Throwable fault) {
        String message = fault.getMessage();
        if (message != null) {
            return oneLine(message);
        }
        return fault.getCause() == null
                ? fault.getClass().getSimpleName()
                : oneLine(fault.getCause().toString());
    }
}
