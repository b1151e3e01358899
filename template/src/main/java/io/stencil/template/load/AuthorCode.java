package io.stencil.template.load;

import io.stencil.autograd.GradientTape;
import io.stencil.error.CancelledException;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.InvalidStateException;
import io.stencil.error.Location;
import io.stencil.error.StencilException;
import io.stencil.error.TemplateException;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.tensor.LibtorchMessage;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorDefect;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Calls the code of a Template's author. Whatever it throws becomes a [TemplateException] that names the author's
/// line, the method that was called and, for known mistakes, the remedy.
///
/// What the author's code itself throws as a [StencilException] is meant for users and passes unchanged, as does an
/// [InvalidStateException] of a pipeline and a [CancelledException]: a closed pipeline is no fault of the Template. The
/// [InvalidStateException] of a tensor or a scope is.
///
/// @param origin `Model.java` or `model.jar`; the folder for a built-in family
/// @param network whose fields are searched for the cause of a fault; null before there is one
record AuthorCode(Path origin, @Nullable Module network) {

    private static final Set<String> ENGINE = Set.of(
            OwnedTensor.class.getName(),
            Parameter.class.getName(),
            Scope.class.getName(),
            GradientTape.class.getName());

    /// Code without a network.
    AuthorCode(Path origin) {
        this(origin, null);
    }

    /// Calls code that returns something.
    ///
    /// @param method name of the called method, for messages
    /// @throws TemplateException when it throws or returns null
    <T> T call(String method, Supplier<? extends @Nullable T> code) {
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
    <T> T callOnInputs(String method, Supplier<? extends @Nullable T> code) {
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
    void run(String method, Runnable code) {
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
                || e instanceof CancelledException
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
    TemplateException fault(String method, Throwable thrown) {
        if (thrown instanceof VirtualMachineError machine && !(machine instanceof StackOverflowError)) {
            throw machine;
        }
        return located(Mistake.describe(method, thrown, network), thrown);
    }

    /// An error for a tensor that a method of the author returned and that cannot be used.
    ///
    /// @param name of the tensor in what was returned
    /// @param tensor that has the defect
    TemplateException unusable(String method, String name, @Nullable Tensor tensor, TensorDefect defect) {
        String suspects = switch (defect) {
            case FREED -> network == null || tensor == null ? "" : AuthorFields.holdersOf(network, tensor);
            case WITHOUT_CONTENT -> network == null ? "" : AuthorFields.unregistered(network);
            case ABSENT, UNDEFINED -> "";
        };
        return unfit(method, "returned '%s', which %s%s".formatted(name, defect.text(), suspects), null);
    }

    /// An error for a result of a method of the author that cannot be used, at the line on which the method returns.
    ///
    /// @param method name of a method of the network, such as `forward()`
    /// @param fault that follows the method's name
    /// @param cause null without one
    TemplateException unfit(String method, String fault, @Nullable Throwable cause) {
        Optional<AuthorLine> line = network == null
                ? Optional.empty()
                : AuthorBytecode.returnOf(network.getClass(), method.replace("()", ""));
        return new TemplateException(
                line.map(one -> one.location(origin)).orElse(Location.of(origin)),
                method + " " + fault + line.map(one -> one.addition(origin)).orElse(""),
                cause);
    }

    private TemplateException fault(String what, StencilException cause) {
        return located(what, cause);
    }

    private TemplateException located(String what, Throwable cause) {
        Optional<AuthorLine> line = AuthorLine.of(cause);
        return new TemplateException(
                line.map(one -> one.location(origin)).orElse(Location.of(origin)),
                what + line.map(one -> one.addition(origin)).orElse(""),
                cause);
    }

    /// Mistakes that authors make with tensors and modules, known by what libtorch and JavaCPP say of them.
    private enum Mistake {
        FREED("uses a tensor that is null or was freed when its Scope was closed; pass it out of a Scope with"
                + " scope.keep(tensor), and compute it in each call instead of keeping it in a field"),
        CLOSED_MODULE(
                "uses a parameter of a module that was closed; do not close modules, they are closed with the Template"),
        WITHOUT_WEIGHTS("uses a part that has no weights, as it was not registered; create it as"
                + " part = module(\"part\", new Linear(...)), or parameter(\"name\", ...) for a single tensor"),
        FREED_GRAPH(
                "uses a tensor of an earlier call, whose gradient graph was freed by the backward pass; compute it in each"
                        + " call, or keep tensor.detach()"),
        OUT_OF_MEMORY("ran out of memory; use smaller images or batches");

        private final String text;

        Mistake(String text) {
            this.text = text;
        }

        private boolean isCauseOf(Throwable thrown, String message) {
            return switch (this) {
                case FREED -> thrown instanceof NullPointerException && message.contains("ointer address");
                case CLOSED_MODULE -> isThrownBy(thrown, OwnedTensor.class) || isThrownBy(thrown, Parameter.class);
                case WITHOUT_WEIGHTS -> message.contains("meta tensor") || message.contains("'Meta' backend");
                case FREED_GRAPH -> message.contains("backward through the graph a second time");
                case OUT_OF_MEMORY -> message.contains("can't allocate memory") || message.contains("out of memory");
            };
        }

        /// Describes the fault of an author's method in one line, with the fields of the network that cause it.
        static String describe(String method, Throwable thrown, @Nullable Module network) {
            Throwable root = AuthorLine.causes(thrown).getLast();
            Optional<Mistake> known = of(root);
            if (known.isPresent()) {
                return "%s %s%s (%s)"
                        .formatted(method, known.get().text, known.get().suspects(network), shortForm(root));
            }
            String cause = root.equals(thrown) ? "" : "; caused by " + shortForm(root);
            return "%s threw %s%s".formatted(method, shortForm(thrown), cause);
        }

        private static Optional<Mistake> of(Throwable thrown) {
            String message = String.valueOf(thrown.getMessage());
            return List.of(values()).stream()
                    .filter(mistake -> mistake.isCauseOf(thrown, message))
                    .findFirst();
        }

        private String suspects(@Nullable Module network) {
            if (network == null) {
                return "";
            }
            return switch (this) {
                case FREED -> AuthorFields.freedTensors(network);
                case WITHOUT_WEIGHTS -> AuthorFields.unregistered(network);
                case FREED_GRAPH -> AuthorFields.graphTensors(network);
                case CLOSED_MODULE, OUT_OF_MEMORY -> "";
            };
        }

        private static boolean isThrownBy(Throwable thrown, Class<?> type) {
            StackTraceElement[] trace = thrown.getStackTrace();
            return trace.length > 0 && trace[0].getClassName().equals(type.getName());
        }

        /// The exception's class and the first line of its message, of libtorch's messages the first sentence.
        private static String shortForm(Throwable thrown) {
            String message = LibtorchMessage.isFrom(thrown)
                    ? LibtorchMessage.firstSentence(String.valueOf(thrown.getMessage()))
                    : String.valueOf(thrown.getMessage()).lines().findFirst().orElse("");
            String name = thrown.getClass().getSimpleName();
            return thrown.getMessage() == null || message.isEmpty() ? name : name + ": " + message;
        }
    }
}
