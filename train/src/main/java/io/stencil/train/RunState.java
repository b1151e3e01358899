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
import io.stencil.tensor.TorchGenerator;
import io.stencil.train.optim.AdamW;
import io.stencil.train.optim.WeightAverage;
import io.stencil.train.resume.DatasetRecord;
import io.stencil.train.resume.Progress;
import io.stencil.train.resume.RunFolder;
import io.stencil.train.resume.RunOptions;
import io.stencil.train.resume.SavedState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongFunction;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Everything that changes while a run works, to be written and to be put back.
///
/// Tensors are named by kind and parameter: `weight.NAME`, `buffer.NAME`, `mean.NAME`, `square.NAME`, `average.NAME`,
/// `gradient.NAME` where an update is half done, `generator.noise` and `generator.process`.
final class RunState {

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
            "the gradient of");
    private static final String NOISE = "generator.noise";
    private static final String PROCESS = "generator.process";

    /// What holds the state; all of it stays its owner's.
    ///
    /// @param average of the weights, or null
    record Owners(
            TrainableParts parts, AdamW optimizer, @Nullable WeightAverage average, Objective objective) {}

    private final Owners owners;
    private final RunFolder folder;
    private final @Nullable Integer keptCheckpoints;
    private final RunOptions options;
    private final @Nullable LongFunction<DatasetRecord> dataset;
    private final long seed;

    /// @param keptCheckpoints how many stay when a newer one is written; null for all
    /// @param dataset tells what of it was used after so many steps; null where nothing is kept of it
    RunState(
            Owners owners,
            RunFolder folder,
            @Nullable Integer keptCheckpoints,
            RunOptions options,
            @Nullable LongFunction<DatasetRecord> dataset,
            long seed) {
        this.keptCheckpoints = keptCheckpoints;
        this.owners = owners;
        this.folder = folder;
        this.options = options;
        this.dataset = dataset;
        this.seed = seed;
    }

    /// Captures the random number generators of now. The caller closes the result.
    RandomState random() {
        return RandomState.capture(owners.objective());
    }

    /// Writes the state beside the checkpoints and removes those that are too old.
    void write(Position position) {
        try (RandomState now = random()) {
            write(position, now);
        }
    }

    /// The same with the random number generators as they were at that position.
    void write(Position position, RandomState random) {
        try (Scope _ = new Scope()) {
            SavedState.write(
                    folder.state(position.step()),
                    progress(position, random),
                    options,
                    dataset == null ? null : dataset.apply(position.step()),
                    tensors(random));
        }
        folder.removeOld(keptCheckpoints);
    }

    /// Refuses to save what is not finite, before anything is written.
    ///
    /// @param savedStep of the newest state; 0 without one
    /// @throws io.stencil.error.InvalidRequestException naming what holds NaN or infinity
    void requireFinite(long step, long savedStep) {
        try (Scope _ = new Scope();
                RandomState now = random()) {
            Tensors.firstNonFinite(tensors(now)).ifPresent(name -> {
                int dot = name.indexOf('.');
                String kind = KINDS.getOrDefault(name.substring(0, dot), "");
                throw NonFinite.state("%s '%s' is".formatted(kind, name.substring(dot + 1)), step, savedStep);
            });
        }
    }

    /// Drops the gradients of an update that is not done.
    void clearGradients() {
        owners.parts().parameters().values().forEach(Parameter::clearGradient);
    }

    private Progress progress(Position position, RandomState random) {
        Map<String, Long> updates = new LinkedHashMap<>();
        List<AdamW.State> moments = owners.optimizer().states();
        forEachParameter((name, _, i) -> updates.put(name, moments.get(i).updates()));
        WeightAverage average = owners.average();
        return new Progress(
                position.step(),
                position.updates(),
                seed,
                random.captionDraws(),
                average == null ? 0 : average.updates(),
                updates,
                position.loss(),
                position.seconds());
    }

    private Map<String, Tensor> tensors(RandomState random) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        List<AdamW.State> moments = owners.optimizer().states();
        List<Tensor> averages =
                owners.average() == null ? List.of() : owners.average().averages();
        forEachParameter((name, parameter, i) -> {
            tensors.put("weight." + name, parameter.get().detach());
            tensors.put("mean." + name, moments.get(i).mean());
            tensors.put("square." + name, moments.get(i).square());
            if (!averages.isEmpty()) {
                tensors.put("average." + name, averages.get(i));
            }
            Tensor gradient = parameter.gradient();
            if (gradient != null) {
                tensors.put("gradient." + name, gradient);
            }
        });
        owners.parts().companions().forEach((name, companion) -> tensors.put("buffer." + name, companion.get()));
        tensors.put(NOISE, random.noise().get());
        tensors.put(PROCESS, random.process().get());
        return tensors;
    }

    /// Puts a state back.
    ///
    /// @return where the run goes on
    /// @throws InvalidFileException when the state is not one of this run; nothing is changed then
    Position restore(SavedState state) {
        Progress progress = state.progress();
        try (SafetensorsFile source = SafetensorsFile.open(state.tensors());
                GradMode _ = GradMode.disabled();
                Scope _ = new Scope();
                RandomState now = random()) {
            Map<String, Tensor> expected = tensors(now);
            check(source, expected, progress);
            restore(source, progress);
        }
        return new Position(progress.step(), progress.updates(), progress.lastLoss(), progress.seconds());
    }

    private void restore(SafetensorsFile source, Progress progress) {
        List<AdamW.State> moments = new ArrayList<>();
        List<Tensor> averages = new ArrayList<>();
        forEachParameter((name, parameter, _) -> {
            parameter.get().copy_(TensorFiles.view(source, "weight." + name));
            moments.add(new AdamW.State(
                    TensorFiles.view(source, "mean." + name),
                    TensorFiles.view(source, "square." + name),
                    progress.parameterUpdates().getOrDefault(name, 0L)));
            if (owners.average() != null) {
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
        owners.optimizer().restore(moments);
        if (owners.average() != null) {
            owners.average().restore(averages, progress.averageUpdates());
        }
        owners.parts()
                .companions()
                .forEach((name, companion) -> companion.set(Device.of(companion.get())
                        .place(TensorFiles.view(source, "buffer." + name).clone())));
        owners.objective()
                .restore(
                        new Objective.Randomness(TensorFiles.view(source, NOISE).clone(), progress.captionDraws()));
        try (TorchGenerator process = TorchGenerator.ofProcess()) {
            process.restore(TensorFiles.view(source, PROCESS).clone());
        }
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
        for (Map.Entry<String, Parameter> one : owners.parts().parameters().entrySet()) {
            visitor.visit(one.getKey(), one.getValue(), index++);
        }
    }
}
