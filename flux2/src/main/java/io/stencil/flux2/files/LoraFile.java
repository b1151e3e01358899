package io.stencil.flux2.files;

import io.stencil.autograd.GradMode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.files.FileStamp;
import io.stencil.flux2.files.LoraLayers.Found;
import io.stencil.nn.LayerUpdate;
import io.stencil.nn.Lora;
import io.stencil.nn.Module;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.tensor.CancellationToken;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.TensorFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// A LoRA as it lies in a safetensors file: for each layer `lora_A` `[r, in]` and `lora_B` `[out, r]`, whose product
/// times a scale is added to the weight.
///
/// Files of all tools are read: `lora_A` is called `lora_down` too, an adapter's name may stand behind it, layers
/// have the names of diffusers or of Black Forest Labs (where one of `img_attn.qkv` updates three layers here), with
/// dots or underscores, behind the prefix of a tool. With `lora_magnitude_vector` or `dora_scale` the update is a
/// [DoRA][LayerUpdate.Dora], with `lokr_w1` and `lokr_w2` a [LoKr][LayerUpdate.Kronecker], with `hada_w1_a` and its
/// like a LoHa. The scale of an update is `LAYER.alpha` over the rank where that tensor is there, else what
/// `adapter_config.json` or the file's metadata say (`lora_alpha`, `r`), else 1. Tensors of any other kind are
/// refused.
///
/// @param lora the updates of the layers that the model has, owned by the scope in which the file was read
/// @param kind of the updates, such as `LoRA` or `DoRA`
/// @param dialect the tool whose names the file has
/// @param matched number of the file's layers that the model has
/// @param unmatched layers of the file that the model does not have
public record LoraFile(Lora lora, String kind, String dialect, int matched, List<String> unmatched) {

    /// Largest absolute strength of a LoRA.
    private static final double MAX_STRENGTH = 1e6;

    public LoraFile {
        unmatched = List.copyOf(unmatched);
    }

    /// Demands a strength by which an update can be multiplied.
    ///
    /// @throws InvalidRequestException for NaN, infinity and absolute values above 1000000
    public static void requireStrength(double strength) {
        if (!(Math.abs(strength) <= MAX_STRENGTH)) {
            throw new InvalidRequestException(
                    "lora_alpha", "must be a number from -1000000 to 1000000, found " + strength);
        }
    }

    /// Reads the updates that fit a model.
    ///
    /// @param path a safetensors file, or a folder with PEFT's `adapter_config.json` and `adapter_model.safetensors`
    /// @param transformer whose linear layers the LoRA updates
    /// @param strength factor of the update, beside the scale that the file gives
    /// @param dtype of the matrices
    /// @param device where they lie
    /// @throws InvalidRequestException when the strength is no finite number
    /// @throws InvalidFileException when the file is not a LoRA, holds parts of an adapter that is not supported, lacks
    ///     a matrix of a layer or has one twice in two spellings, has a matrix that does not fit its layer or values
    ///     that are not finite, declares a scale that cannot be used, or updates no layer of the model
    public static LoraFile read(Path path, Module transformer, double strength, DType dtype, Device device) {
        requireStrength(strength);
        LoraSource files = LoraSource.at(path);
        Path file = files.weights();
        LoraLayers model = new LoraLayers(transformer);
        Map<String, LoraParts> layers = new LinkedHashMap<>();
        Map<String, Found> found = new LinkedHashMap<>();
        Set<String> dialects = new LinkedHashSet<>();
        LoraScaling scaling;
        try (SafetensorsFile source = SafetensorsFile.open(file)) {
            requireLoraAlone(source);
            scaling = files.scaling(source.metadata());
            for (String name : source.entries().keySet()) {
                LoraKey key = LoraKey.parse(name).orElseThrow();
                Optional<Found> match = model.find(key.layer());
                String layer = match.map(Found::name)
                        .orElse(LoraLayers.Name.of(key.layer()).layer());
                match.ifPresent(known -> {
                    found.put(layer, known);
                    dialects.add(key.dialect());
                });
                layers.computeIfAbsent(layer, _ -> new LoraParts(file, layer))
                        .put(key.part(), name, TensorFiles.view(source, name).clone());
            }
        }
        layers.values().forEach(LoraParts::kind);
        List<String> unmatched = layers.keySet().stream()
                .filter(layer -> !found.containsKey(layer))
                .toList();
        if (found.isEmpty()) {
            throw new InvalidFileException(
                    file,
                    "none of its %s layers is in the model, found %s; is it for another model or in another tool's names?"
                            .formatted(layers.size(), NameList.of(unmatched)));
        }
        scaling.requireMagnitudes(layers.values().stream().anyMatch(parts -> parts.has(LoraKey.Part.MAGNITUDE)));
        LoraParts.Form form = new LoraParts.Form(strength, scaling, dtype, device);
        Map<String, List<LayerUpdate>> updates = new LinkedHashMap<>();
        try (GradMode _ = GradMode.disabled()) {
            found.forEach((layer, known) -> {
                CancellationToken.check(); // the norms of a DoRA take a while
                Objects.requireNonNull(layers.get(layer))
                        .updates(known, form)
                        .forEach((name, update) -> updates.computeIfAbsent(name, _ -> new ArrayList<>())
                                .add(update));
            });
        }
        String kind = found.keySet().stream()
                .map(layer -> Objects.requireNonNull(layers.get(layer)).title())
                .distinct()
                .sorted()
                .collect(Collectors.joining(" and "));
        return new LoraFile(Lora.of(updates), kind, String.join(" and ", dialects), found.size(), unmatched);
    }

    /// Replaces every tensor by its copy.
    public LoraFile map(UnaryOperator<Tensor> copy) {
        return new LoraFile(lora.map(copy), kind, dialect, matched, unmatched);
    }

    /// Looks at the files of a LoRA without reading them.
    ///
    /// @param path as for [#read]
    /// @return empty when one cannot be looked at; [#read] says why
    public static Optional<List<FileStamp>> stamps(Path path) {
        try {
            LoraSource files = LoraSource.at(path);
            List<FileStamp> stamps = new ArrayList<>();
            Path config = files.config();
            for (Path file : config == null ? List.of(files.weights()) : List.of(files.weights(), config)) {
                stamps.add(FileStamp.of(file));
            }
            return Optional.of(stamps);
        } catch (IOException | InvalidFileException _) {
            return Optional.empty();
        }
    }

    /// Whether a layer's name is one of a text encoder, which no LoRA updates here.
    public static boolean isOfTextEncoder(String layer) {
        return LoraLayers.Name.isOfTextEncoder(layer);
    }

    /// Nothing of a file is left out in silence that would make the result another one.
    static void requireLoraAlone(SafetensorsFile source) {
        List<String> strangers = source.entries().keySet().stream()
                .filter(name -> LoraKey.parse(name).isEmpty())
                .toList();
        for (String name : strangers) {
            AdapterKind.of(name).ifPresent(kind -> {
                throw new InvalidFileException(
                        Location.of(source.path()).field(name),
                        "is of a kind that is not supported: %s; without it the result would be wrong; use a LoRA, DoRA, LoKr or LoHa"
                                .formatted(kind.words));
            });
        }
        if (strangers.size() == source.entries().size()) {
            throw new InvalidFileException(source.path(), "holds no LoRA tensors, found " + NameList.of(strangers));
        }
        if (!strangers.isEmpty()) {
            throw new InvalidFileException(
                    source.path(),
                    "holds %s tensors that are not part of a LoRA and would be left out: %s; save it with lora_A and lora_B alone"
                            .formatted(strangers.size(), NameList.of(strangers)));
        }
    }

    /// The files of a LoRA: one safetensors file, and for PEFT's `adapter_model.safetensors` the
    /// `adapter_config.json` that holds its scale.
    ///
    /// @param config null where the weights hold all there is
    record LoraSource(Path weights, @Nullable Path config) {

        private static final String PEFT_WEIGHTS = "adapter_model.safetensors";
        private static final String PEFT_CONFIG = "adapter_config.json";

        /// @param path a file, or a PEFT folder
        /// @throws InvalidFileException when a file of a PEFT adapter is absent
        static LoraSource at(Path path) {
            boolean folder = Files.isDirectory(path);
            Path weights = folder ? path.resolve(PEFT_WEIGHTS) : path;
            if (!weights.endsWith(PEFT_WEIGHTS)) {
                return new LoraSource(weights, null);
            }
            if (folder && !Files.isRegularFile(weights)) {
                String pickled = Files.exists(path.resolve("adapter_model.bin"))
                        ? "; its adapter_model.bin is a pickle, which is not read"
                        : "";
                throw new InvalidFileException(
                        path,
                        "holds no %s; name a safetensors file, or a directory that PEFT wrote%s"
                                .formatted(PEFT_WEIGHTS, pickled));
            }
            Path config = weights.resolveSibling(PEFT_CONFIG);
            if (Files.isRegularFile(weights) && !Files.isRegularFile(config)) {
                throw new InvalidFileException(
                        weights,
                        "has no %s beside it, which holds the scale of a PEFT adapter (lora_alpha / r); put it there, or name the whole directory"
                                .formatted(PEFT_CONFIG));
            }
            return new LoraSource(weights, config);
        }

        LoraScaling scaling(Map<String, String> metadata) {
            return config == null ? LoraScaling.ofMetadata(weights, metadata) : LoraScaling.ofConfig(config);
        }
    }

    /// Tensors of adapter files that change a layer in a way that is not supported: a file that holds one is refused,
    /// since without it the result would be another.
    private enum AdapterKind {
        LORA_BIAS("biases of LoRA matrices (lora_bias)", "lora_(?:A|B|up|down)(?:\\.[^.]+)?\\.bias"),
        TUCKER("a Tucker core, as convolutions have", "(?:lora_mid|lokr_t2|hada_t[12])"),
        OFT("OFT rotations", "b?oft_[A-Za-z0-9_]+"),
        GLORA("GLoRA factors", "[ab][12]"),
        IA3("IA3 factors", "(?:ia3_l|on_input)"),
        VERA("VeRA factors", "vera_[A-Za-z_]+"),
        DIFFERENCE("differences of whole weights or biases", "(?:diff(?:_b|_m)?|set_weight|w_norm|b_norm)"),
        EMBEDDING("low-rank updates of an embedding", "lora_embedding_[AB]"),
        RESCALED("scales or shapes beside the matrices", "(?:reshape_weight|rescale|scalar)"),
        LOKR("LoKr factors of an unknown form", "lokr_[a-z0-9_]+"),
        LOHA("LoHa factors of an unknown form", "hada_[a-z0-9_]+");

        private final String words;
        private final Pattern name;

        AdapterKind(String words, String ending) {
            this.words = words;
            this.name = Pattern.compile("(?:.+\\.)?" + ending + "(?:\\.[^.]+)?(?:\\.weight)?");
        }

        /// The kind of a tensor that [LoraKey#parse] does not know; empty when its name is none of a known adapter's.
        static Optional<AdapterKind> of(String tensor) {
            return Stream.of(values())
                    .filter(kind -> kind.name.matcher(tensor).matches())
                    .findFirst();
        }
    }
}
