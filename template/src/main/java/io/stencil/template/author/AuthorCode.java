package io.stencil.template.author;

import io.stencil.autograd.GradientTape;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.InvalidStateException;
import io.stencil.error.Location;
import io.stencil.error.StencilException;
import io.stencil.error.TemplateException;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorDefect;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Calls the code of a Template's author. Whatever it throws becomes a [TemplateException] that names the author's
/// line, the method that was called and, for known mistakes, the remedy.
///
/// What the author's code itself throws as a [StencilException] is meant for users and passes unchanged, as does an
/// [InvalidStateException] of a pipeline: a closed pipeline is no fault of the Template. That of a tensor or a scope
/// is.
///
/// @param origin `Model.java` or `model.jar`; the folder for a built-in family
/// @param network whose fields are searched for the cause of a fault; null before there is one
public record AuthorCode(Path origin, @Nullable Module network) {

    private static final Set<String> ENGINE = Set.of(
            OwnedTensor.class.getName(),
            Parameter.class.getName(),
            Scope.class.getName(),
            GradientTape.class.getName());

    /// Code without a network.
    public AuthorCode(Path origin) {
        this(origin, null);
    }

    /// Calls code that returns something.
    ///
    /// @param method name of the called method, for messages
    /// @throws TemplateException when it throws or returns null
    public <T> T call(String method, Supplier<? extends @Nullable T> code) {
        try {
            return get(method, code);
        } catch (StencilException e) {
            throw isForUsers(e)
                    ? e
                    : isOfEngine(e) ? fault(method, (Throwable) e) : fault(method + " failed: " + e.getMessage(), e);
        } catch (Exception | Error e) {
            throw fault(method, e);
        }
    }

    /// [#call] for code that works on a user's inputs: what Stencil refuses in it is a fault of these inputs, and keeps
    /// its type and its place.
    public <T> T callOnInputs(String method, Supplier<? extends @Nullable T> code) {
        try {
            return get(method, code);
        } catch (StencilException e) {
            throw isForUsers(e) ? e : isOfEngine(e) ? fault(method, (Throwable) e) : refused(method, e);
        } catch (Exception | Error e) {
            throw fault(method, e);
        }
    }

    /// Calls code that returns nothing.
    ///
    /// @param method name of the called method, for messages
    /// @throws TemplateException when it throws
    public void run(String method, Runnable code) {
        call(method, () -> {
            code.run();
            return this;
        });
    }

    private <T> T get(String method, Supplier<? extends @Nullable T> code) {
        Object mark = Scope.mark();
        T result;
        int leftOpen;
        try {
            result = code.get();
        } finally {
            leftOpen = Scope.closeSince(mark);
        }
        if (leftOpen > 0) {
            throw new TemplateException(
                    origin, method + " left a Scope open; open it as try (Scope scope = new Scope()) { ... }");
        }
        if (result == null) {
            throw new TemplateException(origin, method + " returned null");
        }
        return result;
    }

    private static boolean isForUsers(StencilException e) {
        return e instanceof TemplateException
                || (e instanceof InvalidStateException && !isOfEngine(e))
                || AuthorLine.isThrownByAuthor(e);
    }

    /// Whether a tensor, a scope or a tape was used in a state that does not allow it.
    private static boolean isOfEngine(StencilException e) {
        StackTraceElement[] trace = e.getStackTrace();
        return e instanceof InvalidStateException && trace.length > 0 && ENGINE.contains(trace[0].getClassName());
    }

    private StencilException refused(String method, StencilException e) {
        Optional<AuthorLine> line = AuthorLine.of(e);
        String what = e.what()
                + " (in %s%s)".formatted(method, line.map(one -> ", " + one).orElse(""));
        return switch (e) {
            case InvalidRequestException _ -> new InvalidRequestException(e.location(), what, e);
            case InvalidFileException _ -> new InvalidFileException(e.location(), what, e);
            default -> fault(method + " failed: " + e.getMessage(), e);
        };
    }

    /// An error for what a method of the author threw.
    ///
    /// @return in one line
    /// @throws OutOfMemoryError and other errors of the virtual machine, which are no fault of the author's
    public TemplateException fault(String method, Throwable thrown) {
        if (thrown instanceof VirtualMachineError machine && !(machine instanceof StackOverflowError)) {
            throw machine;
        }
        return told(Mistake.describe(method, thrown, network), thrown);
    }

    /// An error for a tensor that a method of the author returned and that cannot be used.
    ///
    /// @param name of the tensor in what was returned
    /// @param tensor that has the defect
    public TemplateException unusable(String method, String name, @Nullable Tensor tensor, TensorDefect defect) {
        String suspects = switch (defect) {
            case FREED -> network == null || tensor == null ? "" : AuthorFields.holdersOf(network, tensor);
            case WITHOUT_CONTENT -> network == null ? "" : AuthorFields.unregistered(network);
            case ABSENT, UNDEFINED -> "";
        };
        return new TemplateException(
                origin, "%s returned '%s', which %s%s".formatted(method, name, defect.text(), suspects));
    }

    private TemplateException fault(String what, StencilException cause) {
        return told(what, cause);
    }

    private TemplateException told(String what, Throwable cause) {
        Optional<AuthorLine> line = AuthorLine.of(cause);
        return new TemplateException(
                line.map(one -> one.location(origin)).orElse(Location.of(origin)),
                what + line.map(one -> one.addition(origin)).orElse(""),
                cause);
    }
}
