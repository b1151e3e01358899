package io.stencil.flux2.files;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.flux2.files.LoraParts.AdapterKind;
import io.stencil.nn.Linear;
import io.stencil.nn.Lora;
import io.stencil.nn.LoraPair;
import io.stencil.nn.Module;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.TensorFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A LoRA as it lies in a safetensors file: `LAYER.lora_A.weight` `[r, in]` and `LAYER.lora_B.weight` `[out, r]`.
///
/// Other tools' spellings are read too: `lora_down` and `lora_up`, an adapter's name as in `lora_A.default.weight`,
/// the prefixes `diffusion_model.`, `transformer.` and `base_model.model.`. The scale of an update is `LAYER.alpha`
/// over the rank where that tensor is there, else what `adapter_config.json` or the file's metadata say
/// (`lora_alpha`, `r`), else
/// 1. What changes a layer otherwise than by `B A`, as DoRA and LoKr do, is refused.
///
/// @param lora the updates of the layers that the model has, owned by the scope in which the file was read
/// @param unmatched layers of the file that the model does not have
public record LoraFile(Lora lora, List<String> unmatched) {

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
    /// @param model whose linear layers the LoRA updates
    /// @param strength factor of the update, beside the scale that the file gives
    /// @param dtype of the matrices
    /// @param device where they lie
    /// @throws InvalidRequestException when the strength is no finite number
    /// @throws InvalidFileException when the file is not a LoRA, holds parts of an adapter that is not supported, lacks
    ///     one matrix of a pair or has one twice in two spellings, has a matrix that does not fit its layer or values
    ///     that are not finite, declares a scale that cannot be used, or updates no layer of the model
    public static LoraFile read(Path path, Module model, double strength, DType dtype, Device device) {
        requireStrength(strength);
        LoraSource files = LoraSource.at(path);
        Path file = files.weights();
        Map<String, LoraParts> layers = new LinkedHashMap<>();
        LoraScaling scaling;
        try (SafetensorsFile source = SafetensorsFile.open(file)) {
            requireLoraAlone(source);
            scaling = files.scaling(source.metadata());
            for (String name : source.entries().keySet()) {
                LoraKey key = LoraKey.parse(name).orElseThrow();
                layers.computeIfAbsent(key.layer(), layer -> new LoraParts(file, layer))
                        .put(key.part(), name, TensorFiles.view(source, name).clone());
            }
        }
        Map<String, Module> modules = model.modules();
        Map<String, LoraPair> pairs = new LinkedHashMap<>();
        List<String> unmatched = new ArrayList<>();
        layers.forEach((layer, parts) -> {
            Location place = Location.of(file).field(layer);
            parts.requireBoth(place);
            if (modules.get(layer) instanceof Linear linear) {
                LoraPair pair = parts.pair(strength, scaling, dtype, device);
                pair.misfit(linear.weight().shape()).ifPresent(fault -> {
                    throw new InvalidFileException(place, fault);
                });
                pairs.put(layer, pair);
            } else {
                unmatched.add(layer);
            }
        });
        if (pairs.isEmpty()) {
            throw new InvalidFileException(
                    file,
                    "none of its %s layers is in the model, found %s; is it for another model or in another tool's names?"
                            .formatted(layers.size(), NameList.of(unmatched)));
        }
        return new LoraFile(new Lora(pairs), unmatched);
    }

    /// Nothing of a file is left out in silence that would make the result another one.
    private static void requireLoraAlone(SafetensorsFile source) {
        List<String> strangers = source.entries().keySet().stream()
                .filter(name -> LoraKey.parse(name).isEmpty())
                .toList();
        for (String name : strangers) {
            AdapterKind.of(name).ifPresent(kind -> {
                throw new InvalidFileException(
                        Location.of(source.path()).field(name),
                        "is of a kind that is not supported: %s; without it the result would be wrong; use a plain LoRA (lora_A and lora_B alone)"
                                .formatted(kind.words()));
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
}
