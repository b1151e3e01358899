package io.stencil.flux2.files;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.flux2.text.Qwen3Encoder;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.gguf.GgufFile;
import io.stencil.nn.Module;
import io.stencil.nn.WeightLoader;
import io.stencil.safetensors.Checkpoint;
import io.stencil.safetensors.KeyHash;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.safetensors.TensorEntry;
import io.stencil.safetensors.TensorLayout;
import io.stencil.safetensors.TensorLayout.Change;
import io.stencil.safetensors.TensorSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// One part of a base model, recognised and opened.
///
/// @param weights under the names of this project's modules; the caller closes them or hands them to a module
/// @param files that hold them, and maybe other parts
/// @param layout names and layout of the files; null when they are not known
/// @param sizes origin of the configuration
public record BaseModelPart(
        ModelConfig config,
        TensorSource weights,
        List<Path> files,
        @Nullable PartLayout layout,
        Sizes sizes) {

    /// Origins of a part's sizes.
    public enum Sizes {
        CONFIG_JSON("by its config.json"),
        METADATA("by its metadata"),
        KEY_HASH("by its key hash"),
        SHAPES("by its shapes");

        private final String text;

        Sizes(String text) {
            this.text = text;
        }

        public String text() {
            return text;
        }
    }

    public BaseModelPart {
        files = List.copyOf(files);
    }

    /// Returns whose names the files have, such as `BFL names`.
    public String dialect() {
        return layout == null ? "unknown names" : layout.dialect();
    }

    /// Describes names, model and types of weights in one line: `BFL names, klein-4B, float8 with scales and BF16`.
    public String summary() {
        String model = KnownCheckpoint.of(weights.entries().values())
                .map(KnownCheckpoint::model)
                .orElseGet(config::title);
        return "%s, %s, %s"
                .formatted(
                        dialect(), model, WeightTypes.describe(weights.entries().values()));
    }

    /// Returns the names of the model's tensors that each tensor of the file holds, where they differ from its own, and
    /// how the layout differs: `transformer_blocks.0.attn.to_k.weight (rows 128 to 255)`.
    public Map<String, List<String>> modelNames() {
        Map<String, List<String>> names = new LinkedHashMap<>();
        if (layout == null) {
            return names;
        }
        weights.entries().forEach((name, entry) -> {
            TensorLayout.Placement placement = layout.placement(name);
            String change = text(placement.change(), entry);
            if (!placement.tensor().equals(name) || !change.isEmpty()) {
                names.computeIfAbsent(placement.tensor(), _ -> new ArrayList<>())
                        .add(name + change);
            }
        });
        return names;
    }

    private static String text(Change change, TensorEntry entry) {
        return switch (change) {
            case Change.None _ -> "";
            case Change.RowShare _ when entry.shape().isEmpty() -> "";
            case Change.RowShare(int index, int _) -> {
                long rows = entry.shape().getFirst();
                yield " (rows %s to %s)".formatted(index * rows, (index + 1) * rows - 1);
            }
            case Change.SwappedHalves _ -> " (halves of the rows swapped)";
            case Change.Squeezed _ -> entry.shape().size() == 2 ? " (shape %s)".formatted(entry.shape()) : "";
        };
    }

    /// Whether weights are in float8 or in blocks.
    public boolean isQuantized() {
        return weights.entries().values().stream().anyMatch(WeightTypes::isQuantized);
    }

    /// Opens weights and recognises them: which part they are, and in whose names, by the names of tensors; the sizes
    /// by `config.json` beside them, else by the hash of names and shapes, else by the shapes.
    ///
    /// @param paths shards, or one file, or one folder
    /// @return one part, or all that a file holds under prefixes
    /// @throws InvalidFileException when they are broken or not a part of FLUX.2; nothing is open then
    public static List<BaseModelPart> recognise(List<Path> paths) {
        List<BaseModelPart> parts = new ArrayList<>();
        try (TensorSource first = open(paths)) {
            List<PartLayout> layouts = layouts(paths.getFirst(), first);
            if (layouts.isEmpty()) {
                parts.add(unnamed(paths));
            }
            for (PartLayout layout : layouts) {
                parts.add(open(paths, layout, layouts));
            }
            return parts;
        } catch (RuntimeException e) {
            parts.forEach(part -> part.weights.close());
            throw e;
        }
    }

    /// Checks that all tensors of the part are there with their shapes, and no others, without reading them.
    ///
    /// @throws InvalidFileException naming up to ten missing, unexpected and misshapen tensors
    public void requireComplete() {
        try (Module model = switch (config) {
            case ModelConfig.Transformer(var read) -> new Flux2Transformer(read);
            case ModelConfig.Vae(var read) -> new AutoencoderKlFlux2(read);
            case ModelConfig.TextEncoder(var read, var _) -> new Qwen3Encoder(read);
        }) {
            WeightLoader.check(model, weights, Qwen3Encoder.IGNORED_TENSORS);
        }
    }

    /// Describes the parts that tensors of these names are, such as `FLUX.2 transformer (BFL names)`; empty when they
    /// are none.
    public static Optional<String> describe(Collection<String> names) {
        List<PartLayout> layouts = PartLayout.of(names);
        return layouts.isEmpty() ? Optional.empty() : Optional.of(describe(layouts));
    }

    private static TensorSource open(List<Path> paths) {
        Path first = paths.getFirst();
        if (paths.size() > 1) {
            return Checkpoint.open(paths);
        }
        return first.toString().endsWith(GgufFile.SUFFIX) ? GgufFile.open(first) : Checkpoint.open(first);
    }

    private static List<PartLayout> layouts(Path path, TensorSource source) {
        List<PartLayout> layouts = PartLayout.of(source.entries().keySet());
        List<String> unclaimed = PartLayout.unclaimed(source.entries().keySet(), layouts);
        if (!layouts.isEmpty() && !unclaimed.isEmpty()) {
            throw new InvalidFileException(
                    path,
                    "holds %s and %s tensors of no part of FLUX.2 (%s)"
                            .formatted(describe(layouts), unclaimed.size(), NameList.of(unclaimed)));
        }
        return layouts;
    }

    private static String describe(List<PartLayout> layouts) {
        return String.join(
                ", ",
                layouts.stream()
                        .map(layout -> layout.naming().part().title() + " (" + layout.dialect() + ")")
                        .toList());
    }

    private static BaseModelPart open(List<Path> paths, PartLayout layout, List<PartLayout> all) {
        TensorSource source = open(paths);
        try {
            TensorSource weights = layout.apply(source, all);
            PartLayout.Part kind = layout.naming().part();
            Optional<ModelConfig> written = config(paths.getFirst(), kind);
            if (written.isPresent()) {
                return new BaseModelPart(written.get(), weights, files(paths, source), layout, Sizes.CONFIG_JSON);
            }
            Optional<ModelConfig> metadata = ModelConfig.read(Location.of(paths.getFirst()), source.metadata(), kind);
            Optional<ModelConfig> known =
                    KnownCheckpoint.of(weights.entries().values()).map(KnownCheckpoint::config);
            ModelConfig config = metadata.or(() -> known)
                    .orElseGet(() -> new SizesFromShapes(weights, describe(List.of(layout))).read(kind));
            Sizes sizes = metadata.isPresent() ? Sizes.METADATA : known.isPresent() ? Sizes.KEY_HASH : Sizes.SHAPES;
            return new BaseModelPart(config, weights, files(paths, source), layout, sizes);
        } catch (RuntimeException e) {
            source.close();
            throw e;
        }
    }

    private static List<Path> files(List<Path> paths, TensorSource source) {
        return source instanceof Checkpoint checkpoint
                ? checkpoint.files().stream().map(SafetensorsFile::path).toList()
                : paths;
    }

    /// Reads `config.json` beside the weights. Beside a single file it may be another part's: folders of single files
    /// hold many.
    private static Optional<ModelConfig> config(Path path, PartLayout.Part kind) {
        Path json = configJson(path);
        if (Files.notExists(json)) {
            return Optional.empty();
        }
        ModelConfig config = ModelConfig.read(json);
        if (config.part() == kind) {
            return Optional.of(config);
        }
        if (Files.isDirectory(path)) {
            throw new InvalidFileException(
                    json,
                    "is of a %s, but the weights beside it are a %s"
                            .formatted(config.part().title(), kind.title()));
        }
        return Optional.empty();
    }

    private static Path configJson(Path path) {
        return Files.isDirectory(path) ? path.resolve("config.json") : path.resolveSibling("config.json");
    }

    /// Opens weights whose names say nothing; with a `config.json` the loader says what is missing.
    private static BaseModelPart unnamed(List<Path> paths) {
        TensorSource source = open(paths);
        try {
            Path json = configJson(paths.getFirst());
            if (Files.notExists(json)) {
                throw new InvalidFileException(
                        paths.getFirst(),
                        "has no config.json beside it, and its names and shapes (hash %s) are not those of a known FLUX.2 model; expected the names of diffusers, of BFL's files or of ComfyUI's"
                                .formatted(KeyHash.of(source.entries().values())));
            }
            return new BaseModelPart(ModelConfig.read(json), source, files(paths, source), null, Sizes.CONFIG_JSON);
        } catch (RuntimeException e) {
            source.close();
            throw e;
        }
    }
}
