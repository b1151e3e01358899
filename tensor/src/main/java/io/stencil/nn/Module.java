package io.stencil.nn;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.InvalidStateException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.BiConsumer;

/// A part of a network: parameters of its own and modules inside it, each under the name it has in checkpoints.
///
/// The constructor is structure, `forward` is arithmetic. A constructor allocates nothing: parameters begin on the Meta
/// device and get content by [WeightLoader] or by [#initialize]. A module owns its parameters; closing the outermost
/// module frees all of them.
///
/// A name may contain dots (`to_out.0`, `transformer_blocks.3`), and the empty name puts a module's parameters straight
/// into its parent's.
public abstract class Module implements AutoCloseable {

    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private final Map<String, Module> modules = new LinkedHashMap<>();
    private final List<AutoCloseable> attached = new ArrayList<>();
    /// Passes read, closing and changes of weights write.
    private final ReentrantReadWriteLock passes = new ReentrantReadWriteLock();
    private volatile boolean closed;

    /// Registers a parameter.
    protected final Parameter parameter(String name, Initializer initializer, long... shape) {
        return register(name, new Parameter(initializer, false, DType.FLOAT32, shape));
    }

    /// Registers a tensor that is saved with the weights and never trained.
    ///
    /// @param dtype a floating-point dtype follows the module's when weights are loaded, another one stays
    protected final Parameter buffer(String name, Initializer initializer, DType dtype, long... shape) {
        return register(name, new Parameter(initializer, true, dtype, shape));
    }

    /// Registers a module inside this one.
    protected final <M extends Module> M module(String name, M module) {
        if (modules.putIfAbsent(name, module) != null) {
            throw new InvalidRequestException("name", "two modules are named '" + name + "'");
        }
        return module;
    }

    private Parameter register(String name, Parameter parameter) {
        if (parameters.putIfAbsent(name, parameter) != null) {
            throw new InvalidRequestException("name", "two parameters are named '" + name + "'");
        }
        return parameter;
    }

    /// All parameters and buffers, by full dotted name, in the order of registration.
    public final Map<String, Parameter> state() {
        Map<String, Parameter> state = new LinkedHashMap<>();
        visit(
                "",
                (name, module) -> module.parameters.forEach((own, parameter) -> {
                    if (state.putIfAbsent(join(name, own), parameter) != null) {
                        throw new InvalidRequestException("name", "two parameters are named '" + join(name, own) + "'");
                    }
                }));
        return Collections.unmodifiableMap(state);
    }

    /// All modules inside this one by full dotted name, itself under the empty name.
    public final Map<String, Module> modules() {
        Map<String, Module> all = new LinkedHashMap<>();
        visit("", all::putIfAbsent);
        return Collections.unmodifiableMap(all);
    }

    /// Shapes of all parameters and buffers, by full name.
    public final Map<String, long[]> shapes() {
        Map<String, long[]> shapes = new LinkedHashMap<>();
        state().forEach((name, parameter) -> shapes.put(name, parameter.shape()));
        return shapes;
    }

    /// Number of elements of all parameters, without buffers.
    public final long parameterCount() {
        return state().values().stream()
                .filter(parameter -> !parameter.isBuffer())
                .mapToLong(Parameter::elementCount)
                .sum();
    }

    /// Fills all parameters as their [Initializer]s say.
    public final void initialize(DType dtype, Device device, TorchGenerator generator) {
        initialize(state().keySet(), dtype, device, generator);
    }

    /// Fills some parameters as their [Initializer]s say.
    ///
    /// @param names full dotted names of parameters and buffers, in the order of the draws
    public final void initialize(Set<String> names, DType dtype, Device device, TorchGenerator generator) {
        Map<String, Parameter> state = state();
        for (String name : names) {
            try (Scope _ = new Scope()) {
                Objects.requireNonNull(state.get(name), name).initialize(dtype, device, generator);
            }
        }
    }

    /// Makes the parts of the given dotted names trainable and freezes all else.
    ///
    /// @param parts names of modules or of parameters; the empty name means this module as a whole
    /// @return full names of the parameters that are trainable now
    /// @throws InvalidRequestException when a name matches no parameter
    public final Set<String> trainOnly(Set<String> parts) {
        Set<String> trainable = new TreeSet<>();
        Map<String, Parameter> state = state();
        for (String part : parts) {
            List<String> inside = state.keySet().stream()
                    .filter(name -> isWithin(name, part)
                            && !Objects.requireNonNull(state.get(name)).isBuffer())
                    .toList();
            if (inside.isEmpty()) {
                throw new InvalidRequestException("parts", "no parameter lies in '" + part + "'");
            }
            trainable.addAll(inside);
        }
        state.forEach((name, parameter) -> parameter.setTrainable(trainable.contains(name)));
        return trainable;
    }

    /// Whether a dotted name is that of a part, or of a parameter or module inside it. All lie inside the part of the
    /// empty name.
    public static boolean isWithin(String name, String part) {
        return part.isEmpty() || name.equals(part) || name.startsWith(part + ".");
    }

    /// Frees the memory of offloaded weights until their next use; of others it does nothing. Layers do so themselves
    /// after each use: this is for what else has read them. What [Parameter#get] returned stays in memory until the
    /// scope that was open there is closed.
    public final void evict() {
        parameters.values().forEach(Parameter::evict);
        modules.values().forEach(Module::evict);
    }

    /// Closes `resource` with this module: a mapped file that parameters point into.
    final void attach(AutoCloseable resource) {
        attached.add(resource);
    }

    /// Keeps the weights in place while a pass runs: [#close] on another thread waits until the pass is over. Models
    /// open a pass in their own methods. Whoever calls their parts opens one, or a part is refused once the model is
    /// closed:
    /// ```java
    /// try (OpenPass _ = model.openPass()) { ... }
    /// ```
    ///
    /// @return to be closed on the same thread
    /// @throws InvalidStateException when the module is closed
    public final OpenPass openPass() {
        passes.readLock().lock();
        if (closed) {
            passes.readLock().unlock();
            throw new InvalidStateException("the model is closed; load it again");
        }
        return passes.readLock()::unlock;
    }

    /// Keeps the layer's own parameters in place while it reads them: [#close] on another thread waits, also where the
    /// layer is called outside of its model. A closed parameter refuses to be read.
    final OpenPass openLayer() {
        passes.readLock().lock();
        return passes.readLock()::unlock;
    }

    /// A pass through a module that runs, until it is closed.
    @FunctionalInterface
    public interface OpenPass extends AutoCloseable {
        @Override
        void close();
    }

    /// Runs `change` while no pass runs.
    ///
    /// @throws InvalidStateException when this thread is in a pass
    final void withoutPasses(Runnable change) {
        if (passes.getReadHoldCount() > 0) {
            throw new InvalidStateException(
                    "a model cannot be closed or changed within a pass that uses it; do so when the pass is over");
        }
        passes.writeLock().lock();
        try {
            change.run();
        } finally {
            passes.writeLock().unlock();
        }
    }

    private void visit(String prefix, BiConsumer<String, Module> visitor) {
        visitor.accept(prefix, this);
        modules.forEach((name, module) -> module.visit(join(prefix, name), visitor));
    }

    private static String join(String prefix, String name) {
        if (prefix.isEmpty() || name.isEmpty()) {
            return prefix + name;
        }
        return prefix + "." + name;
    }

    /// Frees all parameters, then what they pointed into. Passes on other threads are waited for.
    ///
    /// @throws InvalidStateException within a pass of this thread; nothing is freed then
    @Override
    public void close() {
        withoutPasses(this::free);
    }

    private void free() {
        closed = true;
        parameters.values().forEach(Parameter::close);
        modules.values().forEach(Module::close);
        for (AutoCloseable resource : attached) {
            try {
                resource.close();
            } catch (Exception e) {
                throw new IllegalStateException("a weights file could not be closed", e);
            }
        }
        attached.clear();
    }
}
