package io.stencil.train;

import io.stencil.autograd.GradMode;
import io.stencil.error.InvalidFileException;
import io.stencil.nn.Parameter;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.safetensors.TensorEntry;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.train.checkpoint.NonFinite;
import io.stencil.train.checkpoint.SavedState;
import io.stencil.train.checkpoint.SavedState.Progress;
import io.stencil.train.checkpoint.TrainableParts;
import io.stencil.train.optim.Optimizer;
import io.stencil.train.optim.WeightAverage;
import io.stencil.train.options.OptimisationOptions;
import io.stencil.train.validation.BestValidation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Holds all that changes while a run trains: parameters and their gradients, optimizer, average of the weights (EMA),
/// random number generators and progress. It is saved, and restored, as a whole.
///
/// Tensors are named by kind and parameter: `weight.NAME`, `buffer.NAME`, `average.NAME`, those of the optimizer by
/// their own kinds, such as `mean.NAME` and `square.NAME`, `gradient.NAME` where an update is half done,
/// `optimizer.NAME` for state that all parameters have in common, `generator.noise` and `generator.process`.
final class TrainState implements AutoCloseable {

    private static final Map<String, String> KINDS = Map.of(
            "weight",
            "the weight",
            "buffer",
            "the buffer",
            "mean",
            "the optimizer's first moment of",
            "square",
            "the optimizer's second moment of",
            "average",
            "the average (EMA) of",
            "gradient",
            "the gradient of",
            "optimizer",
            "the optimizer's");
    private static final String SHARED = "optimizer.";
    private static final String NOISE = "generator.noise";
    private static final String PROCESS = "generator.process";

    private final TrainableParts parts;
    private final Generators generators;
    private final Optimizer optimizer;
    private final @Nullable WeightAverage average;
    private long step;
    private long updates;
    private double loss = Double.NaN;
    private double earlierSeconds;
    private long began = System.nanoTime();
    private boolean updating;
    private BestValidation validation = BestValidation.none("");

    /// Begins with the parts' weights as they are.
    ///
    /// @param parts stay the caller's; `generators` likewise
    TrainState(TrainableParts parts, OptimisationOptions options, Generators generators) {
        this.parts = parts;
        this.generators = generators;
        Collection<Parameter> parameters = parts.parameters().values();
        average = options.emaDecay() == null ? null : new WeightAverage(parameters, options.emaDecay());
        try {
            optimizer = options.optimizerSettings().create(parameters);
        } catch (RuntimeException | Error e) {
            if (average != null) {
                average.close();
            }
            throw e;
        }
    }

    TrainableParts parts() {
        return parts;
    }

    long seed() {
        return generators.seed();
    }

    /// Steps that are done.
    long step() {
        return step;
    }

    /// Updates of the weights that are done.
    long updates() {
        return updates;
    }

    /// Loss of the last step; NaN before the first.
    double loss() {
        return loss;
    }

    /// Seconds that training took, over all processes that the run was resumed in.
    double seconds() {
        return earlierSeconds + (System.nanoTime() - began) / 1e9;
    }

    /// Begins to count seconds.
    void startClock() {
        began = System.nanoTime();
    }

    /// Updates the weights by their gradients, which are freed, and the average by the weights.
    void update(double learningRate) {
        updating = true;
        optimizer.update(learningRate);
        updates++;
        if (average != null) {
            average.update();
        }
        updating = false;
    }

    /// Whether an update has failed halfway: some weights are those of the next update, others not.
    boolean isTorn() {
        return updating;
    }

    /// Counts a step.
    void endStep(double stepLoss) {
        step++;
        loss = stepLoss;
    }

    /// Frees the gradients of an update that is not done.
    void clearGradients() {
        parts.parameters().values().forEach(Parameter::clearGradient);
    }

    /// Runs `work`, and puts the generators back to where they were.
    <T> T withoutDraws(Supplier<T> work) {
        return generators.withoutDraws(work);
    }

    /// Whether there is an average of the weights.
    boolean hasAverage() {
        return average != null;
    }

    /// The best validation.
    BestValidation validation() {
        return validation;
    }

    void setValidation(BestValidation best) {
        validation = best;
    }

    /// Runs an action while the average is in the place of the weights, if there is one.
    void withAverage(Runnable action) {
        if (average == null) {
            action.run();
        } else {
            average.apply(action);
        }
    }

    /// Holds what of a moment is not in the parameters, their gradients, the optimizer and the average: some
    /// kilobytes of generators' states, and the number of updates of each parameter.
    record Snapshot(Progress progress, Generators.State random) implements AutoCloseable {

        /// The same moment with a validation that came after its step; it takes this object's place.
        Snapshot with(BestValidation later) {
            return new Snapshot(progress.with(later), random);
        }

        @Override
        public void close() {
            random.close();
        }
    }

    /// Captures the present moment. The caller closes the result.
    Snapshot snapshot() {
        Map<String, Long> parameterUpdates = new LinkedHashMap<>();
        List<Optimizer.State> moments = optimizer.states();
        forEachParameter(
                (name, _, i) -> parameterUpdates.put(name, moments.get(i).updates()));
        Progress progress = new Progress(
                step,
                updates,
                generators.seed(),
                generators.captionDraws(),
                average == null ? 0 : average.updates(),
                parameterUpdates,
                loss,
                seconds(),
                validation);
        return new Snapshot(progress, generators.capture()); // last: nothing that may fail comes after it
    }

    /// Lists the tensors of a state.
    ///
    /// @param snapshot since which there was no update
    /// @return by name; they stay their owners'
    Map<String, Tensor> tensors(Snapshot snapshot) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        List<Optimizer.State> moments = optimizer.states();
        List<Tensor> averages = average == null ? List.of() : average.averages();
        forEachParameter((name, parameter, i) -> {
            tensors.put("weight." + name, parameter.get().detach());
            moments.get(i).tensors().forEach((kind, tensor) -> tensors.put(kind + "." + name, tensor));
            if (!averages.isEmpty()) {
                tensors.put("average." + name, averages.get(i));
            }
            Tensor gradient = parameter.gradient();
            if (gradient != null) {
                tensors.put("gradient." + name, gradient);
            }
        });
        optimizer.sharedState().forEach((name, tensor) -> tensors.put(SHARED + name, tensor));
        parts.companions().forEach((name, companion) -> tensors.put("buffer." + name, companion.get()));
        tensors.put(NOISE, snapshot.random().noise().get());
        tensors.put(PROCESS, snapshot.random().process().get());
        return tensors;
    }

    /// Refuses to save values that are not finite, before anything is written.
    ///
    /// @param snapshot that is to be saved
    /// @param savedStep step of the newest state; 0 without one
    /// @throws io.stencil.error.InvalidRequestException naming what holds NaN or infinity
    void requireFinite(Snapshot snapshot, long savedStep) {
        try (Scope _ = new Scope()) {
            Tensors.firstNonFinite(tensors(snapshot)).ifPresent(name -> {
                int dot = name.indexOf('.');
                String kind = KINDS.getOrDefault(name.substring(0, dot), "the optimizer's state of");
                throw NonFinite.state(
                        "%s '%s' is".formatted(kind, name.substring(dot + 1)),
                        snapshot.progress().step(),
                        savedStep);
            });
        }
    }

    /// Restores a saved state, from which the run goes on.
    ///
    /// @throws InvalidFileException when the state is not one of this run; nothing is changed then
    void restore(SavedState state) {
        Progress progress = state.progress();
        try (SafetensorsFile source = SafetensorsFile.open(state.tensors());
                GradMode _ = GradMode.disabled();
                Scope _ = new Scope();
                Snapshot now = snapshot()) {
            check(source, tensors(now), progress);
            restore(source, progress);
        }
        step = progress.step();
        updates = progress.updates();
        loss = progress.lastLoss();
        validation = progress.validation();
        earlierSeconds = progress.seconds();
    }

    private void restore(SafetensorsFile source, Progress progress) {
        List<Optimizer.State> own = optimizer.states();
        List<Optimizer.State> states = new ArrayList<>();
        List<Tensor> averages = new ArrayList<>();
        forEachParameter((name, parameter, i) -> {
            parameter.get().copy_(TensorFiles.view(source, "weight." + name));
            Map<String, Tensor> kept = new LinkedHashMap<>();
            own.get(i).tensors().keySet().forEach(kind -> kept.put(kind, TensorFiles.view(source, kind + "." + name)));
            states.add(new Optimizer.State(kept, progress.parameterUpdates().getOrDefault(name, 0L)));
            if (average != null) {
                averages.add(TensorFiles.view(source, "average." + name));
            }
            String gradient = "gradient." + name;
            if (source.entries().containsKey(gradient)) {
                parameter.setGradient(Device.of(parameter.get())
                        .place(TensorFiles.view(source, gradient).clone()));
            } else {
                parameter.clearGradient();
            }
        });
        Map<String, Tensor> shared = new LinkedHashMap<>();
        optimizer.sharedState().keySet().forEach(name -> shared.put(name, TensorFiles.view(source, SHARED + name)));
        optimizer.restore(states, shared);
        if (average != null) {
            average.restore(averages, progress.averageUpdates());
        }
        parts.companions()
                .forEach((name, companion) -> companion.set(Device.of(companion.get())
                        .place(TensorFiles.view(source, "buffer." + name).clone())));
        generators.restore(
                TensorFiles.view(source, NOISE).clone(),
                TensorFiles.view(source, PROCESS).clone(),
                progress.captionDraws());
    }

    private static void check(SafetensorsFile source, Map<String, Tensor> expected, Progress progress) {
        expected.forEach((name, tensor) -> {
            if (name.startsWith("gradient.")) {
                return;
            }
            TensorEntry entry = source.entry(name);
            if (!DType.of(entry.dtype()).filter(DType.of(tensor)::equals).isPresent()
                    || !Arrays.equals(entry.dims(), Tensors.shape(tensor))) {
                throw new InvalidFileException(
                        source.path(),
                        "'%s' is %s %s, expected %s %s: another model or another version of Stencil wrote it"
                                .formatted(
                                        name,
                                        entry.dtype(),
                                        entry.shape(),
                                        DType.of(tensor).fileDtype(),
                                        Arrays.toString(Tensors.shape(tensor))));
            }
            String parameter = name.startsWith("weight.") ? name.substring("weight.".length()) : null;
            if (parameter != null && !progress.parameterUpdates().containsKey(parameter)) {
                throw new InvalidFileException(
                        source.path(), "has no count of the updates of '%s' beside it".formatted(parameter));
            }
        });
    }

    private interface ParameterVisitor {
        void visit(String name, Parameter parameter, int index);
    }

    private void forEachParameter(ParameterVisitor visitor) {
        int index = 0;
        for (Map.Entry<String, Parameter> parameter : parts.parameters().entrySet()) {
            visitor.visit(parameter.getKey(), parameter.getValue(), index++);
        }
    }

    @Override
    public void close() {
        optimizer.close();
        if (average != null) {
            average.close();
        }
    }
}
