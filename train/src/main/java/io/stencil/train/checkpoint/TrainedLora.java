package io.stencil.train.checkpoint;

import io.stencil.autograd.GradMode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.error.SimilarNames;
import io.stencil.flux2.files.KnownCheckpoint;
import io.stencil.flux2.files.LoraFile;
import io.stencil.flux2.files.LoraFormat;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.nn.Initializer;
import io.stencil.nn.LayerUpdate;
import io.stencil.nn.LayerUpdate.Scaled;
import io.stencil.nn.Linear;
import io.stencil.nn.Lora;
import io.stencil.nn.LoraBinding;
import io.stencil.nn.LoraPair;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.safetensors.KeyHash;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.ProcessRandom;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.train.options.LoraOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/// A LoRA of the transformer that is trained: for each layer `A` `[r, in]` and `B` `[out, r]` in float32, whose product
/// times alpha / r is added to the frozen weight. The parameters are named `LAYER.lora_A.weight`,
/// `LAYER.lora_B.weight`.
///
/// As in PEFT, `A` begins uniform in +-1/sqrt(in) (Kaiming with a = sqrt 5) and `B` at zero, so that the model begins
/// unchanged. The random numbers are a generator's of its own.
///
/// The layers see the LoRA while it is [bound][#bind]. A run binds it in its thread from the first step to the last, so
/// that whatever uses the transformer there sees it too, in its present state: a validation or a generated sample.
public final class TrainedLora extends Module {

    private static final long STREAM = 3; // of the seeds that follow from the run's

    private static final class Matrices extends Module {
        private final Parameter a;
        private final Parameter b;

        /// @param weight shape of the layer's, `[out, in]`
        Matrices(long rank, long... weight) {
            a = parameter("lora_A.weight", Initializer.uniformFanIn(weight[1]), rank, weight[1]);
            b = parameter("lora_B.weight", Initializer.ZEROS, weight[0], rank);
        }

        LoraPair pair() {
            return new LoraPair(a.get(), b.get());
        }
    }

    private final Flux2Transformer model;
    private final LoraOptions options;
    private final Map<String, Matrices> layers = new LinkedHashMap<>();

    private TrainedLora(Flux2Transformer model, LoraOptions options) {
        this.model = model;
        this.options = options;
        targets(model, options.targets())
                .forEach((name, layer) -> layers.put(
                        name,
                        module(name, new Matrices(options.rank(), layer.weight().shape()))));
    }

    /// Creates a LoRA at its start, or with the matrices of `--lora_checkpoint`. The caller closes the result.
    ///
    /// @param models stay the caller's; the transformer must outlive the result
    /// @param seed of the run
    /// @throws InvalidRequestException when a target names no linear layer, with those that it may have meant
    /// @throws InvalidFileException when the checkpoint is not a LoRA of these layers and this rank
    public static TrainedLora create(LoraOptions options, ModelSet models, long seed) {
        TrainedLora lora = new TrainedLora(models.requireTransformer(), options);
        try (TorchGenerator generator = new TorchGenerator(ProcessRandom.seed(seed, STREAM))) {
            lora.initialize(DType.FLOAT32, models.device(), generator);
            if (options.checkpoint() != null) {
                lora.read(options.checkpoint());
            }
            lora.trainOnly(Set.of(""));
            return lora;
        } catch (RuntimeException | Error e) {
            lora.close();
            throw e;
        }
    }

    /// The linear layers that names stand for, in the model's order: a layer has the whole name, or ends in a dot and
    /// it, as PEFT matches names.
    private static Map<String, Linear> targets(Module model, List<String> names) {
        Map<String, Linear> linears = new LinkedHashMap<>();
        model.modules().forEach((name, part) -> {
            if (part instanceof Linear linear) {
                linears.put(name, linear);
            }
        });
        for (String name : names) {
            if (linears.keySet().stream().noneMatch(layer -> isNamed(layer, name))) {
                Set<String> endings = new TreeSet<>();
                linears.keySet().forEach(layer -> endings.add(ending(layer)));
                throw new InvalidRequestException(
                        "lora_target_modules",
                        "'%s' names no linear layer of the transformer, whose layers end in %s%s"
                                .formatted(name, String.join(", ", endings), SimilarNames.question(name, endings)));
            }
        }
        linears.keySet().removeIf(layer -> names.stream().noneMatch(name -> isNamed(layer, name)));
        return linears;
    }

    private static boolean isNamed(String layer, String name) {
        return layer.equals(name) || layer.endsWith("." + name);
    }

    /// The last part of a layer's name, with the one before it where it is a number.
    private static String ending(String layer) {
        return layer.replaceFirst(".*?([^.]+(?:\\.\\d+)?)$", "$1");
    }

    /// Binds the LoRA to the transformer for the passes of this thread until the result is closed; gradients flow into
    /// it. The result must be closed first, and on this thread.
    public LoraBinding bind() {
        Map<String, List<LayerUpdate>> updates = new LinkedHashMap<>();
        double scale = options.alpha() / options.rank();
        layers.forEach((name, matrices) ->
                updates.put(name, List.of(scale == 1 ? matrices.pair() : new Scaled(matrices.pair(), scale))));
        return LoraBinding.bind(model, Lora.of(updates));
    }

    /// Writes the matrices as they are now, in the names of `--lora_format`, with the base model, rank, alpha and
    /// target layers as metadata.
    ///
    /// @param step how many steps they were trained for
    /// @param dtype of the tensors in the file
    /// @throws InvalidFileException when the file cannot be written; what was there stays
    void write(Path file, long step, DType dtype) {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled()) {
            Map<String, LoraFormat.Update> updates = new LinkedHashMap<>();
            layers.forEach((name, matrices) ->
                    updates.put(name, new LoraFormat.Update(matrices.pair().map(dtype::cast), options.alpha())));
            LoraFormat.Content content = options.format().content(updates);
            Tensors.firstNonFinite(content.tensors()).ifPresent(name -> {
                throw NonFinite.state("the tensor '%s' of '%s' is".formatted(name, file.getFileName()), step, 0);
            });
            Map<String, String> metadata = new LinkedHashMap<>(content.metadata());
            KnownCheckpoint.of(KeyHash.ofShapes(model.shapes()))
                    .ifPresent(known -> metadata.put("base_model", known.title()));
            metadata.put("rank", Integer.toString(options.rank()));
            metadata.put("alpha", Double.toString(options.alpha()));
            metadata.put("target_modules", String.join(",", options.targets()));
            metadata.put("step", Long.toString(step));
            TensorFiles.write(file, content.tensors(), metadata);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be written: " + e, e);
        }
    }

    /// Takes on the matrices of a file, in the names of any tool.
    ///
    /// @throws InvalidFileException when it is not a LoRA of these layers and this rank
    void read(Path file) {
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled()) {
            Device device = layers.values().iterator().next().a.device();
            LoraFile found = LoraFile.read(file, model, 1, DType.FLOAT32, device);
            Lora lora = found.lora();
            if (!lora.others().isEmpty()) {
                throw new InvalidFileException(
                        file, "is a %s, of which no LoRA can be trained further; name a LoRA".formatted(found.kind()));
            }
            List<String> missing = new ArrayList<>(layers.keySet());
            missing.removeAll(lora.pairs().keySet());
            List<String> unexpected = new ArrayList<>(lora.pairs().keySet());
            unexpected.removeAll(layers.keySet());
            unexpected.addAll(found.unmatched());
            if (!missing.isEmpty() || !unexpected.isEmpty()) {
                throw new InvalidFileException(
                        file,
                        "is no LoRA of the layers that are trained: missing %s; unexpected %s; check --lora_target_modules"
                                .formatted(NameList.of(missing), NameList.of(unexpected)));
            }
            layers.forEach((name, matrices) -> {
                LoraPair pair = ofRank(Objects.requireNonNull(lora.pairs().get(name)), file, name);
                matrices.a.get().copy_(pair.a());
                matrices.b.get().copy_(Ops.mul(pair.b(), options.rank() / options.alpha()));
            });
        }
    }

    /// The same update with the rank of the options. A fused layer of q, k and v has the ranks of all three, and of
    /// each one's columns of `B` those of the others are zero: they are left out.
    private LoraPair ofRank(LoraPair pair, Path file, String layer) {
        int wanted = options.rank();
        int rank = Math.toIntExact(pair.a().size(0));
        if (rank == wanted) {
            return pair;
        }
        double[] sums = Tensors.toDoubles(DType.FLOAT64.cast(pair.b().abs().sum(0)));
        List<Integer> used = IntStream.range(0, rank)
                .filter(column -> sums[column] != 0)
                .boxed()
                .toList();
        if (rank < wanted || used.size() > wanted) {
            throw new InvalidFileException(
                    Location.of(file).field(layer),
                    "has the rank %s, expected --lora_rank %s; give the file's rank".formatted(rank, wanted));
        }
        List<Integer> kept = new ArrayList<>(used);
        IntStream.range(0, rank)
                .filter(column -> !used.contains(column))
                .limit((long) wanted - used.size())
                .forEach(kept::add);
        return new LoraPair(
                Ops.cat(0, kept.stream().map(row -> pair.a().narrow(0, row, 1)).toList()),
                Ops.cat(
                        1,
                        kept.stream()
                                .map(column -> pair.b().narrow(1, column, 1))
                                .toList()));
    }
}
