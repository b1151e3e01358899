package io.stencil.train.init;

import io.stencil.nn.Initializer;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// The random content of a module's tensors, each of which is made when it is asked for, so that a model that is larger
/// than memory can be written.
///
/// The numbers are those that a generator gives when all tensors are filled one after the other: the generator runs
/// once through all of them, and its state before each is kept.
final class RandomStart {

    /// How a tensor is filled, and the generator's state before: on the heap, since small native blocks between large
    /// ones would keep glibc from giving the memory of the large ones back.
    @SuppressWarnings("ArrayRecordComponent") // origins are not compared
    private record Origin(Parameter parameter, Initializer initializer, byte[] state) {}

    private final Map<String, Parameter> parameters;
    private final TorchGenerator generator;
    private final Map<String, Origin> origins = new LinkedHashMap<>();

    /// Fills as the module's layers say.
    ///
    /// @param module stays without content
    /// @param generator stays the caller's, and is this object's alone until it is closed
    RandomStart(Module module, TorchGenerator generator) {
        this.parameters = module.state();
        this.generator = generator;
        refill((_, parameter) -> parameter.initializer());
    }

    /// Fills some tensors anew, after all that were filled before.
    ///
    /// @param initializers gives null for a tensor that stays
    void refill(BiFunction<String, Parameter, @Nullable Initializer> initializers) {
        parameters.forEach((name, parameter) -> {
            Initializer initializer = initializers.apply(name, parameter);
            if (initializer != null) {
                try (Scope _ = new Scope()) {
                    origins.put(name, new Origin(parameter, initializer, Tensors.toBytes(generator.state())));
                    initializer.fill(empty(parameter), generator); // for the state after it
                }
            }
        });
    }

    /// One tensor: float32, or another dtype that the module demands; owned by the caller's scope.
    Tensor make(String name) {
        Origin origin = Objects.requireNonNull(origins.get(name));
        generator.restore(Tensors.ofBytes(origin.state(), origin.state().length));
        Tensor tensor = empty(origin.parameter());
        origin.initializer().fill(tensor, generator);
        return tensor;
    }

    private static Tensor empty(Parameter parameter) {
        DType own = parameter.dtype().isFloatingPoint() ? DType.FLOAT32 : parameter.dtype();
        return Tensors.empty(own, Device.CPU, parameter.shape());
    }
}
