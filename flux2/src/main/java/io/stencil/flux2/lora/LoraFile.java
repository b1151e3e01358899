package io.stencil.flux2.lora;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.nn.Linear;
import io.stencil.nn.Lora;
import io.stencil.nn.LoraPair;
import io.stencil.nn.Module;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.TensorFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/// A LoRA as it lies in a safetensors file: `LAYER.lora_A.weight` `[r, in]` and `LAYER.lora_B.weight` `[out, r]`.
///
/// Other tools' spellings are read too: `lora_down` and `lora_up`, a `.default` infix, the prefixes
/// `diffusion_model.` and `transformer.`, and `LAYER.alpha`, which scales the update by alpha / r.
///
/// @param lora the updates of the layers that the model has, owned by the scope in which the file was read
/// @param unmatched layers of the file that the model does not have
public record LoraFile(Lora lora, List<String> unmatched) {

    public LoraFile {
        unmatched = List.copyOf(unmatched);
    }

    /// Reads the updates that fit a model.
    ///
    /// @param model whose linear layers the LoRA updates
    /// @param strength factor of the update
    /// @param dtype of the matrices
    /// @param device where they lie
    /// @throws InvalidFileException when the file is not a LoRA, lacks one matrix of a pair or has one twice in two
    ///     spellings, has a matrix that does not fit its layer, or updates no layer of the model
    public static LoraFile read(Path file, Module model, double strength, DType dtype, Device device) {
        Map<String, LoraParts> layers = new LinkedHashMap<>();
        List<String> strangers = new ArrayList<>();
        try (SafetensorsFile source = SafetensorsFile.open(file)) {
            for (String name : source.entries().keySet()) {
                LoraKey key = LoraKey.parse(name).orElse(null);
                if (key == null) {
                    strangers.add(name);
                    continue;
                }
                Tensor tensor = TensorFiles.view(source, name).clone();
                layers.computeIfAbsent(key.layer(), _ -> new LoraParts(file)).put(key.part(), name, tensor);
            }
        }
        if (layers.isEmpty()) {
            throw new InvalidFileException(file, "holds no LoRA tensors, found " + NameList.of(strangers));
        }
        Map<String, Module> modules = model.modules();
        Map<String, LoraPair> pairs = new LinkedHashMap<>();
        List<String> unmatched = new ArrayList<>(strangers);
        layers.forEach((layer, parts) -> {
            Location place = Location.of(file).field(layer);
            parts.requireBoth(place);
            if (modules.get(layer) instanceof Linear linear) {
                LoraPair pair = parts.pair(strength, dtype, device);
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
}
