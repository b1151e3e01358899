package io.stencil.nn;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.gguf.BlockType;
import io.stencil.nn.StoredWeight.WeightFile;
import io.stencil.nn.WeightStorage.MappedFile;
import io.stencil.safetensors.TensorEntry;
import io.stencil.safetensors.TensorSource;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;
import io.stencil.tensor.WeightValues;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;

/// Puts a checkpoint into a module, strictly: every tensor present with its shape, and none that is not known, but for
/// [Bookkeeping] that no forward pass reads.
///
/// Weights of linear layers that the file has in blocks, or in float8 with a scale, stay so.
///
/// @param dtype of floating-point parameters after loading
/// @param device where they lie
/// @param float8 whether the weights of linear layers rest in float8 instead, with a scale for each row; the module is
///     for use then, not for training
public record WeightLoader(DType dtype, Device device, boolean float8) {

    private static final int SHOWN_FILES = 3;

    public WeightLoader(DType dtype, Device device) {
        this(dtype, device, false);
    }

    /// Loads every parameter and buffer. The module takes over `source`: parameters whose dtype and device need no
    /// change stay views of the mapped file until the module is closed.
    ///
    /// @throws InvalidFileException naming up to ten missing, unexpected and misshapen tensors; nothing is
    ///     loaded and `source` is closed then
    public void load(Module module, TensorSource source) {
        load(module, source, Set.of());
    }

    /// @param ignored names that may be in the checkpoint and are dropped
    public void load(Module module, TensorSource source, Set<String> ignored) {
        load(module, module.state(), source, ignored, StoredWeight::read);
    }

    /// Loads the parameters and buffers that have no content yet, as [#load] does. Weights that begin between
    /// multiples of 64 bytes are copied: libtorch adds up products with them in another order, so that the same
    /// weights in another file would give other last bits.
    ///
    /// @param initialized names of those that have content, which must not be in the checkpoint
    public void loadRest(Module module, TensorSource source, Set<String> initialized) {
        load(module, without(module.state(), initialized), source, Set.of(), StoredWeight::readAligned);
    }

    private void load(
            Module module,
            Map<String, Parameter> state,
            TensorSource source,
            Set<String> ignored,
            Function<StoredWeight, WeightStorage> read) {
        WeightFile file = new WeightFile(source);
        Map<Parameter, WeightStorage> loaded = new LinkedHashMap<>(); // a fault at one leaves the others as they were
        boolean attached = false; // from then on parameters may point into the file
        try {
            check(state, source, ignored);
            initializeAbsent(state, source);
            stored(module, file).forEach((parameter, weight) -> loaded.put(parameter, read.apply(weight)));
            if (loaded.values().stream().anyMatch(MappedFile.class::isInstance)) {
                module.attach(file);
                attached = true;
            }
            for (Parameter parameter : List.copyOf(loaded.keySet())) {
                parameter.store(Objects.requireNonNull(loaded.get(parameter)));
                loaded.remove(parameter); // which owns it now
            }
        } catch (RuntimeException | Error e) {
            loaded.values().forEach(WeightStorage::close);
            throw e;
        } finally {
            if (!attached) {
                file.close();
            }
        }
    }

    /// Binds every parameter to its tensor, which is read when it is first used. The module takes over `source`, which
    /// stays mapped until the module is closed.
    ///
    /// @param ignored names that may be in the checkpoint and are dropped
    /// @param offloaded whether layers evict their weights after each use
    /// @throws InvalidFileException as [#load] does
    public void open(Module module, TensorSource source, Set<String> ignored, boolean offloaded) {
        try {
            check(module.state(), source, ignored);
        } catch (RuntimeException | Error e) {
            source.close();
            throw e;
        }
        WeightFile file = new WeightFile(source);
        module.attach(file);
        initializeAbsent(module.state(), source);
        stored(module, file)
                .forEach((parameter, weight) -> parameter.store(
                        offloaded ? new WeightStorage.Offloaded(weight) : new WeightStorage.OnDisk(weight)));
    }

    /// Where each parameter lies in the file, and what it becomes when it is read.
    private Map<Parameter, StoredWeight> stored(Module module, WeightFile file) {
        Set<Parameter> matrices = matrices(module);
        Map<Parameter, StoredWeight> weights = new LinkedHashMap<>();
        module.state().forEach((name, parameter) -> {
            if (!file.has(name)) {
                return;
            }
            DType own = parameter.dtype().isFloatingPoint() ? dtype : parameter.dtype();
            boolean linear = matrices.contains(parameter);
            DType resting = float8 && linear ? DType.FLOAT8_E4M3FN : own;
            weights.put(parameter, new StoredWeight(file, name, resting, device, linear));
        });
        return weights;
    }

    /// Fills the buffers that a checkpoint may lack with what they begin with: counters and the like, from no
    /// generator.
    private void initializeAbsent(Map<String, Parameter> state, TensorSource source) {
        state.forEach((name, parameter) -> {
            if (!source.entries().containsKey(name)) {
                try (Scope _ = new Scope()) {
                    parameter.initialize(dtype, device, new TorchGenerator(0));
                }
            }
        });
    }

    /// Reads the values of one weight as they lie in a file: views of it where that can be, also of quantized ones.
    ///
    /// @throws InvalidFileException when its scale does not fit it
    public static WeightValues values(TensorSource source, String name) {
        return new StoredWeight(new WeightFile(source), name, DType.FLOAT32, Device.CPU, true).stored();
    }

    /// Returns the names of tensors that lie beside quantized weights, such as scales, and are no weights of their own.
    ///
    /// @throws InvalidFileException for a quantization that is not supported, by its name
    public static List<String> companions(TensorSource source) {
        return Float8Scale.companions(source);
    }

    private static Set<Parameter> matrices(Module module) {
        Set<Parameter> weights = Collections.newSetFromMap(new IdentityHashMap<>());
        module.modules().values().forEach(one -> {
            if (one instanceof Linear linear) {
                weights.add(linear.weight());
            }
        });
        return weights;
    }

    /// Checks that a checkpoint fits a module, without reading the content of tensors.
    ///
    /// @throws InvalidFileException naming up to ten missing, unexpected and misshapen tensors
    public static void check(Module module, TensorSource source) {
        check(module, source, Set.of());
    }

    /// @param ignored names that may be in the checkpoint
    public static void check(Module module, TensorSource source, Set<String> ignored) {
        check(module.state(), source, ignored);
    }

    /// Checks that a checkpoint fits the parameters and buffers that have no content yet.
    ///
    /// @param initialized names of those that have content, which must not be in the checkpoint
    public static void checkRest(Module module, TensorSource source, Set<String> initialized) {
        check(without(module.state(), initialized), source, Set.of());
    }

    private static Map<String, Parameter> without(Map<String, Parameter> state, Set<String> names) {
        Map<String, Parameter> rest = new LinkedHashMap<>(state);
        rest.keySet().removeAll(names);
        return rest;
    }

    private static void check(Map<String, Parameter> state, TensorSource source, Set<String> ignored) {
        Map<String, TensorEntry> entries = new LinkedHashMap<>(source.entries());
        entries.keySet().removeAll(ignored);
        List<String> missing = new ArrayList<>(state.keySet());
        missing.removeAll(entries.keySet());
        missing.removeIf(Bookkeeping::mayBeAbsent);
        List<String> unexpected = new ArrayList<>(entries.keySet());
        unexpected.removeAll(state.keySet());
        unexpected.removeIf(Bookkeeping::mayBeThere);
        unexpected.removeAll(Float8Scale.companions(source));
        List<String> misshapen = new ArrayList<>();
        List<String> mistyped = new ArrayList<>();
        Set<String> misfits = new LinkedHashSet<>(unexpected);
        entries.forEach((name, entry) -> {
            Parameter parameter = state.get(name);
            if (parameter == null) {
                return;
            }
            if (!Arrays.equals(parameter.shape(), entry.dims())) {
                misfits.add(name);
                misshapen.add("%s is %s, expected %s"
                        .formatted(source.fileName(name), entry.shape(), Arrays.toString(parameter.shape())));
            }
            if (!fits(entry, parameter)) {
                misfits.add(name);
                mistyped.add("%s is %s, expected %s"
                        .formatted(
                                source.fileName(name),
                                entry.dtype(),
                                parameter.dtype().fileDtype()));
            }
        });
        List<String> faults = new ArrayList<>();
        addFault(
                faults,
                "missing",
                missing.stream().map(source::fileName).distinct().toList());
        addFault(
                faults,
                "unexpected",
                unexpected.stream().map(source::fileName).distinct().toList());
        addFault(faults, "of another shape", misshapen);
        addFault(faults, "of another kind of dtype", mistyped);
        if (!faults.isEmpty()) {
            throw new InvalidFileException(
                    new Location(origins(source, misfits), null, null),
                    "tensors do not fit the model%s: %s%s"
                            .formatted(
                                    source.dialect().isEmpty() ? "" : " (" + source.dialect() + ")",
                                    String.join("; ", faults),
                                    NamePrefix.hint(missing, unexpected)));
        }
    }

    private static boolean fits(TensorEntry entry, Parameter parameter) {
        boolean floating = parameter.dtype().isFloatingPoint();
        if (entry.dtype() instanceof BlockType) {
            return floating;
        }
        return DType.of(entry.dtype())
                .filter(dtype -> dtype.isFloatingPoint() == floating && dtype != DType.COMPLEX64)
                .isPresent();
    }

    private static void addFault(List<String> faults, String kind, List<String> names) {
        if (!names.isEmpty()) {
            faults.add("%s %s (%s)".formatted(names.size(), kind, NameList.of(names)));
        }
    }

    /// Names the files of the tensors that do not fit; all files where tensors are missing alone.
    private static String origins(TensorSource source, Set<String> misfits) {
        if (source.entries().isEmpty()) {
            return source.toString();
        }
        Set<String> names = misfits.isEmpty() ? source.entries().keySet() : misfits;
        List<String> origins = names.stream().map(source::origin).distinct().toList();
        return origins.size() <= SHOWN_FILES
                ? String.join(", ", origins)
                : "%s and %s more files".formatted(origins.getFirst(), origins.size() - 1);
    }

    /// Tensors of checkpoints that no forward pass reads: markers, caches and counters that some writers add and others
    /// leave out. All else in a checkpoint must be known, and all else of a model must be there.
    public static final class Bookkeeping {

        /// Last parts of the names of tensors that may be in a checkpoint although no model has them: the marker of
        /// files whose weights are in float8, the frequencies and positions that older models kept as buffers, the
        /// counter of batch normalisation, and the temperature that ComfyUI writes beside every text encoder.
        private static final Set<String> EXTRA =
                Set.of("scaled_fp8", "inv_freq", "position_ids", "num_batches_tracked", "logit_scale");

        private static final String COUNTER = "num_batches_tracked";
        private static final String FREQUENCIES = "inv_freq";

        private Bookkeeping() {}

        /// Whether a tensor may be in a checkpoint although the model has none of that name.
        public static boolean mayBeThere(String name) {
            String last = name.substring(name.lastIndexOf('.') + 1);
            return EXTRA.contains(last) && (!last.equals(FREQUENCIES) || name.endsWith("rotary_emb." + FREQUENCIES));
        }

        /// Whether a buffer may be absent from a checkpoint; it begins at its initial value then.
        public static boolean mayBeAbsent(String name) {
            return name.equals(COUNTER) || name.endsWith("." + COUNTER);
        }
    }
}
