package io.stencil.flux2.files;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.files.AtomicFile;
import io.stencil.files.AtomicFolder;
import io.stencil.flux2.files.LoraFile.LoraSource;
import io.stencil.flux2.files.LoraFormat.Update;
import io.stencil.flux2.files.LoraKey.Kind;
import io.stencil.flux2.files.LoraKey.Part;
import io.stencil.json.Json;
import io.stencil.json.JsonFile;
import io.stencil.nn.LoraPair;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.safetensors.SafetensorsHeader;
import io.stencil.safetensors.TensorLayout.Change;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Converts LoRA files between the names of tools, without the model: the names of its layers are known.
///
/// The update of each layer stays the same, and where layers are not joined or split, so does each byte of its
/// matrices.
public final class LoraConverter {

    /// Metadata that give the scale, which is written anew, and hashes of the old file.
    private static final Pattern STALE = Pattern.compile(
            "lora_adapter_metadata|lora_alpha|r|rank_pattern|alpha_pattern|use_rslora|use_dora|modelspec\\.hash_sha256|sshs_(?:model|legacy)_hash");

    private static final String CONFIG = "lora_adapter_metadata";
    private static final String DIFFUSERS_PREFIX = "transformer.";
    private static final String PEFT_PREFIX = "base_model.model.";

    private final Path file;
    private final @Nullable LoraFormat format;
    private final Map<String, Update> updates = new LinkedHashMap<>();
    private final Map<String, Tensor> magnitudes = new LinkedHashMap<>();
    private final Map<String, Tensor> renamed = new LinkedHashMap<>();

    /// @param format null for a PEFT folder
    private LoraConverter(Path file, @Nullable LoraFormat format) {
        this.file = file;
        this.format = format;
    }

    /// Result of a conversion.
    ///
    /// @param layers number of updated layers that were written
    /// @param kinds of updates, such as `LoRA` or `DoRA`
    /// @param leftOut layers of a text encoder, which no FLUX.2 LoRA of other tools updates
    public record Result(int layers, String kinds, List<String> leftOut) {

        public Result {
            leftOut = List.copyOf(leftOut);
        }
    }

    /// Whether a path is a LoRA: a file of which most tensors are parts of updates, or a PEFT folder.
    ///
    /// @throws InvalidFileException when a safetensors file is broken
    public static boolean isLora(Path path) {
        if (Files.isDirectory(path)) {
            return Files.exists(path.resolve("adapter_config.json"));
        }
        if (!path.toString().endsWith(".safetensors")) {
            return false;
        }
        Set<String> names = SafetensorsHeader.read(path).entries().keySet();
        return names.stream().filter(name -> LoraKey.parse(name).isPresent()).count() * 2 > names.size();
    }

    /// Converts a LoRA.
    ///
    /// @param in a safetensors file, or a PEFT folder
    /// @param out a file; for PEFT a folder that is absent or empty
    /// @param format null for a PEFT folder
    /// @param dtype of the matrices; null for that of the file
    /// @throws InvalidFileException when the file is not a LoRA of FLUX.2, or an update cannot be had in such names
    public static Result convert(Path in, Path out, @Nullable LoraFormat format, @Nullable DType dtype)
            throws IOException {
        LoraSource source = LoraSource.at(in);
        try (Scope _ = new Scope();
                SafetensorsFile tensors = SafetensorsFile.open(source.weights())) {
            LoraFile.requireLoraAlone(tensors);
            LoraConverter converter = new LoraConverter(source.weights(), format);
            List<String> leftOut = new ArrayList<>();
            Map<String, LoraParts> layers = converter.layers(tensors, leftOut);
            LoraScaling scaling = source.scaling(tensors.metadata());
            layers.forEach((layer, parts) -> converter.add(layer, parts, scaling));
            scaling.requireMagnitudes(!converter.magnitudes.isEmpty());
            converter.write(out, tensors.metadata(), dtype);
            String kinds = String.join(
                    " and ",
                    layers.values().stream()
                            .map(LoraParts::title)
                            .distinct()
                            .sorted()
                            .toList());
            return new Result(layers.size(), kinds, leftOut);
        }
    }

    /// Tensors by layer, under names with dots and without prefix.
    private Map<String, LoraParts> layers(SafetensorsFile tensors, List<String> leftOut) {
        Map<String, LoraParts> layers = new TreeMap<>();
        List<String> unknown = new ArrayList<>();
        for (String name : tensors.entries().keySet()) {
            LoraKey key = LoraKey.parse(name).orElseThrow();
            String layer = LoraLayers.Name.of(key.layer()).layer();
            if (LoraLayers.Name.isOfTextEncoder(key.layer())) {
                if (!leftOut.contains(key.layer())) {
                    leftOut.add(key.layer());
                }
                continue;
            }
            String dotted = BflNames.dotted(layer.replace('.', '_')).orElse("");
            if (dotted.isEmpty()) {
                unknown.add(layer);
                continue;
            }
            layers.computeIfAbsent(dotted, _ -> new LoraParts(file, dotted))
                    .put(key.part(), name, TensorFiles.view(tensors, name).clone());
        }
        if (!unknown.isEmpty() || layers.isEmpty()) {
            throw new InvalidFileException(
                    file,
                    "%s layers are none of FLUX.2's transformer, and their names cannot be converted: %s"
                            .formatted(
                                    unknown.stream().distinct().count(),
                                    NameList.of(unknown.stream().distinct().toList())));
        }
        return layers;
    }

    private void add(String layer, LoraParts parts, LoraScaling scaling) {
        if (parts.kind() != Kind.LORA) {
            rename(layer, parts, scaling);
            return;
        }
        LoraPair pair = parts.pair();
        double scale = parts.scale(scaling, pair.a().size(0));
        List<BflNames.Layer> targets = targets(layer);
        requireEqualParts(layer, parts, pair.b().size(0), targets.size());
        List<LoraPair> pairs = split(pair, targets);
        for (int i = 0; i < targets.size(); i++) {
            LoraPair part = pairs.get(i);
            if (part.a().size(0) > 0) {
                put(
                        parts,
                        targets.get(i).name(),
                        new Update(part, scale * part.a().size(0)));
            }
        }
        Tensor magnitude = parts.tensors().get(Part.MAGNITUDE);
        if (magnitude != null) {
            addMagnitudes(parts, magnitude, pair.b().size(0), targets);
        }
    }

    private void put(LoraParts parts, String layer, Update update) {
        if (updates.put(layer, update) != null) {
            throw twice(parts);
        }
        BflNames.bfl(layer).stream()
                .flatMap(bfl -> BflNames.diffusers(bfl.name()).stream())
                .map(BflNames.Layer::name)
                .filter(updates::containsKey)
                .forEach(part -> requireShape(parts, update, part));
    }

    private static InvalidFileException twice(LoraParts parts) {
        return parts.layerFault("is in the file in BFL's names and in diffusers' names; keep one of them");
    }

    /// Parts of a fused layer have one shape.
    private void requireShape(LoraParts parts, Update update, String part) {
        LoraPair own = update.pair();
        LoraPair other = Objects.requireNonNull(updates.get(part)).pair();
        if (own.a().size(1) != other.a().size(1) || own.b().size(0) != other.b().size(0)) {
            throw parts.layerFault("updates a weight of [%s, %s], expected [%s, %s] as '%s', both parts of one layer"
                    .formatted(
                            own.b().size(0),
                            own.a().size(1),
                            other.b().size(0),
                            other.a().size(1),
                            part));
        }
    }

    private static void requireEqualParts(String layer, LoraParts parts, long rows, int targets) {
        boolean halves = Stream.concat(BflNames.diffusers(layer).stream(), BflNames.bfl(layer).stream())
                .anyMatch(found -> found.rows() instanceof Change.SwappedHalves);
        int count = halves ? 2 : targets;
        if (rows % count != 0) {
            throw parts.layerFault("has lora_B of %s rows, expected %s equal parts of rows".formatted(rows, count));
        }
    }

    /// Diffusers' layers that a layer of either naming holds.
    private static List<BflNames.Layer> targets(String layer) {
        List<BflNames.Layer> fused = BflNames.diffusers(layer);
        return fused.isEmpty() ? List.of(new BflNames.Layer(layer, Change.NONE)) : fused;
    }

    private static List<LoraPair> split(LoraPair pair, List<BflNames.Layer> targets) {
        if (targets.getFirst().rows() instanceof Change.SwappedHalves) {
            return List.of(new LoraPair(pair.a(), swapped(pair.b())));
        }
        if (targets.size() == 1) {
            return List.of(pair);
        }
        List<Tensor> rows = Ops.chunk(pair.b(), targets.size(), 0);
        List<float[]> columns = rows.stream()
                .map(part -> Tensors.toFloats(DType.FLOAT32.cast(part).abs().amax(new long[] {0}, false)))
                .toList();
        int[] bounds = blocks(columns, Math.toIntExact(pair.a().size(0)));
        List<LoraPair> pairs = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            int from = bounds.length == 0 ? 0 : bounds[i];
            int count = (bounds.length == 0 ? Math.toIntExact(pair.a().size(0)) : bounds[i + 1]) - from;
            pairs.add(new LoraPair(
                    pair.a().narrow(0, from, count),
                    rows.get(i).narrow(1, from, count).contiguous()));
        }
        return pairs;
    }

    private static Tensor swapped(Tensor rows) {
        return Ops.cat(0, Ops.chunk(rows, 2, 0).reversed());
    }

    /// Bounds of the columns of each part where the parts use columns of their own, one behind the other, as where
    /// updates with different `A` were joined; none where parts share columns.
    ///
    /// @param columns largest magnitude of each column, by part
    private static int[] blocks(List<float[]> columns, int rank) {
        int count = columns.size();
        int[] thirds = new int[count + 1];
        int[] found = new int[count + 1];
        found[count] = rank;
        for (int i = 0; i < count; i++) {
            thirds[i + 1] = rank * (i + 1) / count;
            found[i] = i == 0 ? 0 : first(columns.get(i), rank);
        }
        for (int i = count - 1; i > 0; i--) {
            found[i] = Math.min(found[i], found[i + 1]);
        }
        if (rank % count == 0 && areBlocks(columns, thirds)) {
            return thirds;
        }
        return areBlocks(columns, found) ? found : new int[0];
    }

    private static int first(float[] columns, int otherwise) {
        for (int i = 0; i < columns.length; i++) {
            if (columns[i] != 0) {
                return i;
            }
        }
        return otherwise;
    }

    private static boolean areBlocks(List<float[]> columns, int[] bounds) {
        boolean any = false;
        for (int part = 0; part < columns.size(); part++) {
            float[] own = columns.get(part);
            for (int i = 0; i < own.length; i++) {
                any |= own[i] != 0;
                if (own[i] != 0 && (i < bounds[part] || i >= bounds[part + 1])) {
                    return false;
                }
            }
        }
        return any;
    }

    private void addMagnitudes(LoraParts parts, Tensor magnitude, long rows, List<BflNames.Layer> targets) {
        if (magnitude.numel() != rows || magnitude.size(0) != rows) {
            throw parts.layerFault(
                    "has DoRA magnitudes of another shape than one for each of %s outputs, and these cannot be converted"
                            .formatted(rows));
        }
        Tensor flat = magnitude.reshape(-1);
        if (targets.getFirst().rows() instanceof Change.SwappedHalves) {
            magnitudes.put(targets.getFirst().name(), swapped(flat));
            return;
        }
        List<Tensor> shares = Ops.chunk(flat, targets.size(), 0);
        for (int i = 0; i < targets.size(); i++) {
            magnitudes.put(targets.get(i).name(), shares.get(i));
            if (!updates.containsKey(targets.get(i).name())) {
                throw parts.layerFault("is a DoRA of which a part of q, k and v has no update; it cannot be split");
            }
        }
    }

    /// Factors that are no low-rank matrices keep their rows: they are renamed alone.
    private void rename(String layer, LoraParts parts, LoraScaling scaling) {
        if (format != LoraFormat.COMFYUI && format != LoraFormat.KOHYA) {
            throw parts.layerFault(
                    "is a %s, for which diffusers and PEFT's LoRA have no names; use --to comfyui or kohya"
                            .formatted(parts.title()));
        }
        BflNames.Layer bfl = BflNames.diffusers(layer).isEmpty()
                ? BflNames.bfl(layer).orElseThrow()
                : new BflNames.Layer(layer, Change.NONE);
        if (!(bfl.rows() instanceof Change.None)) {
            throw parts.layerFault("is a %s of a part of '%s', which has one update there; it cannot be converted"
                    .formatted(parts.title(), bfl.name()));
        }
        String name = prefixed(bfl.name());
        parts.tensors().forEach((part, tensor) -> {
            String last = part == Part.MAGNITUDE ? "dora_scale" : part.name().toLowerCase(Locale.ROOT);
            if (renamed.put("%s.%s".formatted(name, last), tensor) != null) {
                throw twice(parts);
            }
        });
        long rank = parts.scaledRank();
        double scale = rank == 0 ? 1 : parts.scale(scaling, rank);
        if (!parts.has(Part.ALPHA) && scale != 1) { // the metadata that give it are not written
            renamed.put(name + ".alpha", Tensors.full(scale * rank, DType.FLOAT32, Device.CPU));
        }
    }

    private String prefixed(String bflLayer) {
        return format == LoraFormat.KOHYA ? "lora_unet_" + bflLayer.replace('.', '_') : "diffusion_model." + bflLayer;
    }

    private void write(Path out, Map<String, String> old, @Nullable DType dtype) throws IOException {
        LoraFormat.Content content = (format == null ? LoraFormat.DIFFUSERS : format).content(updates);
        Map<String, Tensor> tensors = new LinkedHashMap<>(content.tensors());
        tensors.putAll(renamed);
        if (dtype != null) {
            tensors.replaceAll((name, tensor) -> isMatrix(name) ? cast(name, tensor, dtype) : tensor);
        }
        putMagnitudes(tensors);
        Map<String, String> metadata = new LinkedHashMap<>(old);
        metadata.keySet().removeIf(key -> STALE.matcher(key).matches());
        metadata.putAll(content.metadata());
        String config = metadata.remove(CONFIG);
        if (format == null) {
            writePeft(out, tensors, metadata, Objects.requireNonNull(config));
            return;
        }
        if (config != null) {
            metadata.put(CONFIG, config(config, DIFFUSERS_PREFIX).toString());
        }
        TensorFiles.write(out, tensors, metadata);
    }

    private static boolean isMatrix(String name) {
        return LoraKey.parse(name).orElseThrow().part().kind() != Kind.ANY;
    }

    private Tensor cast(String name, Tensor tensor, DType dtype) {
        Tensor cast = dtype.cast(tensor);
        if (!Tensors.isFinite(cast) && Tensors.isFinite(tensor)) {
            throw new InvalidFileException(
                    Location.of(file).field(name),
                    "has values beyond %s; use --dtype %s"
                            .formatted(dtype.text(), dtype == DType.FLOAT16 ? "bfloat16" : "float32"));
        }
        return cast;
    }

    /// Fields of a `LoraConfig`, in which DoRA is declared.
    private ObjectNode config(String written, String prefix) {
        ObjectNode config = Json.MAPPER.createObjectNode();
        JsonFile.parse(Location.of(file), written)
                .properties()
                .forEach(field ->
                        config.set(prefix + field.getKey().substring(DIFFUSERS_PREFIX.length()), field.getValue()));
        config.put(prefix + "use_dora", !magnitudes.isEmpty());
        return config;
    }

    private void writePeft(Path out, Map<String, Tensor> tensors, Map<String, String> metadata, String config)
            throws IOException {
        Map<String, Tensor> named = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> named.put(PEFT_PREFIX + name.substring(DIFFUSERS_PREFIX.length()), tensor));
        ObjectNode json = config(config, "");
        json.put("peft_type", "LORA");
        AtomicFolder.write(out, folder -> {
            TensorFiles.write(folder.resolve("adapter_model.safetensors"), named, metadata);
            AtomicFile.writeText(folder.resolve("adapter_config.json"), json.toPrettyString() + "\n");
        });
    }

    private void putMagnitudes(Map<String, Tensor> tensors) {
        if (format == null || format == LoraFormat.DIFFUSERS) {
            magnitudes.forEach(
                    (layer, tensor) -> tensors.put(DIFFUSERS_PREFIX + layer + ".lora_magnitude_vector", tensor));
            return;
        }
        Map<String, Map<Integer, Tensor>> fused = new LinkedHashMap<>();
        magnitudes.forEach((layer, tensor) -> {
            BflNames.Layer bfl = BflNames.bfl(layer).orElseThrow();
            int index = bfl.rows() instanceof Change.RowShare share ? share.index() : 0;
            int count = bfl.rows() instanceof Change.RowShare share ? share.count() : 1;
            Tensor rows = bfl.rows() instanceof Change.SwappedHalves ? swapped(tensor) : tensor;
            fused.computeIfAbsent(bfl.name(), _ -> new TreeMap<>()).put(index, rows);
            if (index > 0 || count > 1) {
                requireAll(layer, bfl.name());
            }
        });
        fused.forEach((layer, parts) -> tensors.put(
                prefixed(layer) + ".dora_scale",
                Ops.cat(0, parts.values()).unsqueeze(1).contiguous()));
    }

    private void requireAll(String layer, String bfl) {
        Predicate<BflNames.Layer> absent = part -> !magnitudes.containsKey(part.name());
        if (BflNames.diffusers(bfl).stream().anyMatch(absent)) {
            throw new InvalidFileException(
                    Location.of(file).field(layer),
                    "is a DoRA, and the other parts of '%s' are none: one that holds all needs the magnitudes of all"
                            .formatted(bfl));
        }
    }
}
