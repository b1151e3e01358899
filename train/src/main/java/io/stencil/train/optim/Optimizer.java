package io.stencil.train.optim;

import io.stencil.autograd.GradMode;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.NameList;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/// Updates parameters by their gradients, and keeps the tensors that the method needs from one update to the next.
///
/// A parameter without a gradient is left alone: no decay, and its state stays. Only tensor operations are used and
/// the device is never waited for; equal gradients give equal updates in every process.
public abstract sealed class Optimizer implements AutoCloseable permits AdamW, AdamW8bit, Adafactor, Lion, Prodigy {

    /// Holds the constants of a method.
    public interface Settings {

        /// Learning rate of a run that gives none.
        double defaultLearningRate();

        /// @param parameters trainable ones; they stay their modules'
        /// @throws InvalidRequestException when a parameter's memory is not contiguous
        Optimizer create(Collection<Parameter> parameters);
    }

    /// The state of one parameter.
    ///
    /// @param tensors by their kind, such as `mean`
    /// @param updates that were counted
    public record State(Map<String, Tensor> tensors, long updates) {}

    /// One parameter and the tensors that are kept for it.
    static final class Slot implements AutoCloseable {
        private final Parameter parameter;
        private final Map<String, OwnedTensor> tensors = new LinkedHashMap<>();
        private long updates;

        Slot(Parameter parameter, Function<Tensor, Map<String, Tensor>> initialState) {
            this.parameter = parameter;
            if (!parameter.get().is_contiguous()) {
                throw new InvalidRequestException("parameters", "a parameter is not contiguous");
            }
            try (Scope _ = new Scope();
                    GradMode _ = GradMode.disabled()) {
                initialState
                        .apply(parameter.get())
                        .forEach((kind, tensor) -> tensors.put(kind, new OwnedTensor(tensor)));
            }
        }

        private boolean hasGradient() {
            try (Scope _ = new Scope()) {
                return parameter.gradient() != null;
            }
        }

        Tensor weight() {
            return parameter.get();
        }

        /// Laid out as the weight is, which fused kernels take for granted.
        Tensor gradient() {
            return Objects.requireNonNull(parameter.gradient()).contiguous();
        }

        boolean has(String kind) {
            return tensors.containsKey(kind);
        }

        Tensor tensor(String kind) {
            return Objects.requireNonNull(tensors.get(kind), kind).get();
        }

        /// Updates so far, the present one among them.
        long updates() {
            return updates;
        }

        private State state() {
            Map<String, Tensor> values = new LinkedHashMap<>();
            tensors.forEach((kind, tensor) -> values.put(kind, tensor.get()));
            return new State(values, updates);
        }

        @Override
        public void close() {
            tensors.values().forEach(OwnedTensor::close);
        }
    }

    private final List<Slot> slots = new ArrayList<>();
    private final Map<String, OwnedTensor> shared = new LinkedHashMap<>();

    /// @param parameters trainable ones; they stay their modules'
    /// @param initialState tensors that are kept for a weight, by their kind
    Optimizer(Collection<Parameter> parameters, Function<Tensor, Map<String, Tensor>> initialState) {
        try {
            parameters.forEach(parameter -> slots.add(new Slot(parameter, initialState)));
        } catch (RuntimeException | Error e) {
            slots.forEach(Slot::close);
            throw e;
        }
    }

    /// Adds a number that all parameters have in common to the state.
    final void share(String name, double value, Device device) {
        try (Scope _ = new Scope()) {
            shared.put(name, new OwnedTensor(Tensors.full(value, DType.FLOAT64, device)));
        }
    }

    /// Returns a number of [#share], without dimensions.
    final Tensor shared(String name) {
        return Objects.requireNonNull(shared.get(name), name).get();
    }

    /// The state for each parameter, in the order in which they were given. The tensors stay the optimizer's.
    public final List<State> states() {
        return slots.stream().map(Slot::state).toList();
    }

    /// The part of the state that all parameters have in common, by name. The tensors stay the optimizer's.
    public final Map<String, Tensor> sharedState() {
        Map<String, Tensor> values = new LinkedHashMap<>();
        shared.forEach((name, tensor) -> values.put(name, tensor.get()));
        return values;
    }

    /// Goes on from copies of a state.
    ///
    /// @param states in the order of the parameters, with the kinds and shapes of [#states]
    /// @param sharedStates with the names of [#sharedState]
    /// @throws InvalidRequestException when states are missing; nothing is changed then
    public final void restore(List<State> states, Map<String, Tensor> sharedStates) {
        if (states.size() != slots.size()) {
            throw new InvalidRequestException(
                    "states", "%s states for %s parameters".formatted(states.size(), slots.size()));
        }
        for (int i = 0; i < states.size(); i++) {
            requireKinds(slots.get(i).tensors.keySet(), states.get(i).tensors().keySet());
        }
        requireKinds(shared.keySet(), sharedStates.keySet());
        try (GradMode _ = GradMode.disabled();
                Scope _ = new Scope()) {
            for (int i = 0; i < states.size(); i++) {
                Slot slot = slots.get(i);
                State state = states.get(i);
                state.tensors().forEach((kind, tensor) -> slot.tensor(kind).copy_(tensor));
                slot.updates = state.updates();
            }
            sharedStates.forEach((name, tensor) -> shared(name).copy_(tensor));
        }
    }

    private static void requireKinds(Set<String> expected, Set<String> found) {
        if (!expected.equals(found)) {
            throw new InvalidRequestException(
                    "states",
                    "expected %s, found %s: another optimizer made them"
                            .formatted(NameList.of(expected), NameList.of(found)));
        }
    }

    /// Moves every parameter against its gradient and frees the gradients.
    public final void update(double learningRate) {
        List<Slot> open = slots.stream().filter(Slot::hasGradient).toList();
        open.forEach(slot -> slot.updates++);
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled()) {
            step(open, learningRate);
        }
        open.forEach(slot -> slot.parameter.clearGradient());
    }

    /// Moves parameters that have a gradient; their updates are counted already.
    abstract void step(List<Slot> open, double learningRate);

    /// `tensor * factor + term * share`, in place.
    static void decay(Tensor tensor, double factor, Tensor term, double share) {
        tensor.mul_(new Scalar(factor)).add_(term, new Scalar(share));
    }

    static Tensor zerosLike(Tensor tensor) {
        return Tensors.zeros(DType.of(tensor), Device.of(tensor), Tensors.shape(tensor));
    }

    @Override
    public final void close() {
        slots.forEach(Slot::close);
        slots.clear();
        shared.values().forEach(OwnedTensor::close);
        shared.clear();
    }

    /// Reads the arguments of a method from `name=value`.
    static final class Arguments {

        private static final String OPTION = "optimizer_args";

        private final Map<String, String> given = new LinkedHashMap<>();
        private final Set<String> known = new LinkedHashSet<>();

        /// @throws InvalidRequestException for a text that is not `name=value`, and a name that is given twice
        Arguments(List<String> texts) {
            for (String text : texts) {
                int equals = text.indexOf('=');
                String name = equals < 0 ? "" : text.substring(0, equals).strip();
                if (name.isEmpty()) {
                    throw new InvalidRequestException(
                            OPTION,
                            "must be name=value with commas between, such as beta1=0.9, found '%s'".formatted(text));
                }
                if (given.put(name, text.substring(equals + 1).strip()) != null) {
                    throw new InvalidRequestException(OPTION, "gives %s twice".formatted(name));
                }
            }
        }

        boolean has(String name) {
            known.add(name);
            return given.containsKey(name);
        }

        /// Reads a share, at least 0 and below 1.
        double share(String name, double byDefault) {
            double value = number(name, byDefault);
            if (!(value >= 0 && value < 1)) {
                throw invalid(name, "at least 0 and below 1");
            }
            return value;
        }

        /// Reads a number above 0.
        double positive(String name, double byDefault) {
            double value = number(name, byDefault);
            if (!(value > 0)) {
                throw invalid(name, "a number above 0");
            }
            return value;
        }

        private double number(String name, double byDefault) {
            if (!has(name)) {
                return byDefault;
            }
            try {
                return Double.parseDouble(Objects.requireNonNull(given.get(name)));
            } catch (NumberFormatException _) {
                throw invalid(name, "a number");
            }
        }

        /// Reads true or false.
        boolean flag(String name, boolean byDefault) {
            if (!has(name)) {
                return byDefault;
            }
            return switch (Objects.requireNonNull(given.get(name)).toLowerCase(Locale.ROOT)) {
                case "true" -> true;
                case "false" -> false;
                default -> throw invalid(name, "true or false");
            };
        }

        private InvalidRequestException invalid(String name, String expected) {
            return new InvalidRequestException(
                    OPTION, "%s must be %s, found '%s'".formatted(name, expected, given.get(name)));
        }

        /// @throws InvalidRequestException for a name that was not read
        void requireKnown(String optimizer) {
            for (String name : given.keySet()) {
                if (!known.contains(name)) {
                    throw new InvalidRequestException(
                            OPTION,
                            "of --optimizer %s are %s, found '%s'".formatted(optimizer, NameList.of(known), name));
                }
            }
        }
    }
}
