package io.stencil.template.author;

import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.tensor.LibtorchMessage;
import io.stencil.tensor.OwnedTensor;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Mistakes that authors make with tensors and modules, known by what libtorch and JavaCPP say of them.
enum Mistake {
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

    /// What went wrong in a method of the author, in one line, with the fields of the network that are to blame.
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
