package io.stencil.flux2.files;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.autograd.GradMode;
import io.stencil.error.InvalidRequestException;
import io.stencil.json.Json;
import io.stencil.nn.LoraPair;
import io.stencil.safetensors.TensorLayout.Change;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.pytorch.Tensor;

/// Names of the tensors of a LoRA file, those of the tool that is to read it. [LoraFile] reads all of them.
///
/// In the names of Black Forest Labs (BFL) one layer holds q, k and v. Their updates share one `lora_A` where they have
/// the same; else the fused update has the sum of their ranks, with `lora_B` in blocks on the diagonal, so that each
/// layer's update is what it was.
public enum LoraFormat {
    /// `transformer.LAYER.lora_A.weight` with diffusers' layers; rank and alpha stand in `lora_adapter_metadata`.
    DIFFUSERS("diffusers"),
    /// `diffusion_model.LAYER.lora_A.weight` with BFL's layers, as ai-toolkit writes too, and `LAYER.alpha` where the
    /// scale is not 1.
    COMFYUI("comfyui"),
    /// `lora_unet_LAYER.lora_down.weight`, `lora_up` and `alpha` with BFL's layers, in which dots are underscores.
    KOHYA("kohya");

    private static final String CONFIG = "lora_adapter_metadata";

    private final String option;

    LoraFormat(String option) {
        this.option = option;
    }

    /// As on the command line.
    public String option() {
        return option;
    }

    /// A low-rank update of a layer: `W x` becomes `W x + alpha / r * B (A x)`.
    ///
    /// @param pair `A` `[r, in]` and `B` `[out, r]`, unscaled
    public record Update(LoraPair pair, double alpha) {

        long rank() {
            return pair.a().size(0);
        }

        double scale() {
            return alpha / rank();
        }
    }

    /// Content of a safetensors file.
    ///
    /// @param tensors by name, which the caller's scope owns; some may be those of the updates
    /// @param metadata of the file
    public record Content(Map<String, Tensor> tensors, Map<String, String> metadata) {}

    /// Names the tensors of updates.
    ///
    /// @param updates by diffusers' name of the layer
    /// @throws InvalidRequestException when BFL's transformer, whose names the format has, has no such layer
    public Content content(Map<String, Update> updates) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        Map<String, String> metadata = new LinkedHashMap<>(Map.of("format", "pt"));
        try (GradMode _ = GradMode.disabled()) {
            switch (this) {
                case DIFFUSERS -> {
                    updates.forEach((layer, update) ->
                            put(tensors, "transformer." + layer, List.of("lora_A", "lora_B"), update.pair));
                    metadata.put(CONFIG, config(updates));
                }
                case COMFYUI ->
                    fused(updates).forEach((layer, update) -> {
                        String name = "diffusion_model." + layer;
                        put(tensors, name, List.of("lora_A", "lora_B"), update.pair);
                        if (update.scale() != 1) {
                            tensors.put(name + ".alpha", alpha(update));
                        }
                    });
                case KOHYA ->
                    fused(updates).forEach((layer, update) -> {
                        String name = "lora_unet_" + layer.replace('.', '_');
                        put(tensors, name, List.of("lora_down", "lora_up"), update.pair);
                        tensors.put(name + ".alpha", alpha(update));
                    });
            }
        }
        return new Content(tensors, metadata);
    }

    private static void put(Map<String, Tensor> tensors, String layer, List<String> parts, LoraPair pair) {
        tensors.put("%s.%s.weight".formatted(layer, parts.getFirst()), pair.a().detach());
        tensors.put("%s.%s.weight".formatted(layer, parts.getLast()), pair.b().detach());
    }

    private static Tensor alpha(Update update) {
        return Tensors.full(update.alpha, DType.FLOAT32, Device.CPU);
    }

    /// The fields of PEFT's `LoraConfig`, as diffusers writes them: rank and alpha of the first layer, and patterns for
    /// layers of others.
    private static String config(Map<String, Update> updates) {
        if (updates.isEmpty()) {
            return "{}";
        }
        Update first = updates.values().iterator().next();
        ObjectNode config = Json.MAPPER.createObjectNode();
        config.put("transformer.r", first.rank());
        config.put("transformer.lora_alpha", first.alpha);
        config.put("transformer.use_dora", false);
        config.put("transformer.use_rslora", false);
        updates.keySet().forEach(config.putArray("transformer.target_modules")::add);
        ObjectNode ranks = config.putObject("transformer.rank_pattern");
        ObjectNode alphas = config.putObject("transformer.alpha_pattern");
        updates.forEach((layer, update) -> {
            if (update.rank() != first.rank()) {
                ranks.put(layer, update.rank());
            }
            if (update.alpha != first.alpha) {
                alphas.put(layer, update.alpha);
            }
        });
        return config.toString();
    }

    /// Updates by BFL's name of the layer.
    private static Map<String, Update> fused(Map<String, Update> updates) {
        Map<String, Map<Integer, Update>> shares = new LinkedHashMap<>();
        Map<String, Update> fused = new LinkedHashMap<>();
        updates.forEach((layer, update) -> {
            BflNames.Layer bfl = BflNames.bfl(layer)
                    .orElseThrow(() -> new InvalidRequestException(
                            "lora_format",
                            "'%s' has no name of Black Forest Labs; write the LoRA in the format diffusers"
                                    .formatted(layer)));
            switch (bfl.rows()) {
                case Change.RowShare share -> {
                    fused.put(bfl.name(), update); // keeps the order of the layers
                    shares.computeIfAbsent(bfl.name(), _ -> new TreeMap<>()).put(share.index(), update);
                }
                case Change.SwappedHalves _ -> {
                    List<Tensor> halves = Ops.chunk(update.pair.b(), 2, 0);
                    LoraPair swapped = new LoraPair(update.pair.a(), Ops.cat(0, halves.reversed()));
                    fused.put(bfl.name(), new Update(swapped, update.alpha));
                }
                case Change.None _, Change.Squeezed _ -> fused.put(bfl.name(), update);
            }
        });
        shares.forEach((name, parts) -> fused.put(name, joined(parts)));
        return fused;
    }

    /// One update of q, k and v.
    ///
    /// @param parts by their place in the fused layer, of which some may be absent
    private static Update joined(Map<Integer, Update> parts) {
        Collection<Update> all = parts.values();
        Update first = all.iterator().next();
        double scale = all.stream()
                .map(Update::scale)
                .max(Comparator.comparingDouble(Math::abs)) // never 0 beside one that is not
                .orElseThrow();
        boolean alike = all.stream()
                .allMatch(part -> part.scale() == scale && DType.of(part.pair.b()) == DType.of(first.pair.b()));
        DType dtype = alike ? DType.of(first.pair.b()) : DType.FLOAT32; // so that no part is rounded
        boolean shared = all.stream()
                .allMatch(part -> part.scale() == scale
                        && DType.of(part.pair.a()) == DType.of(first.pair.a())
                        && part.pair.a().equal(first.pair.a()));
        long rank = shared ? first.rank() : all.stream().mapToLong(Update::rank).sum();
        List<Tensor> rows = new ArrayList<>();
        long column = 0;
        for (int i = 0; i < 3; i++) {
            Update part = parts.get(i);
            Tensor b = first.pair.b();
            Tensor row = Tensors.zeros(dtype, Device.of(b), b.size(0), rank);
            if (part != null) {
                Tensor up = part.scale() == scale
                        ? part.pair.b()
                        : Ops.mul(dtype.cast(part.pair.b()), part.scale() / scale);
                row.narrow(1, column, part.rank()).copy_(up);
                column += shared ? 0 : part.rank();
            }
            rows.add(row);
        }
        Tensor down = shared
                ? first.pair.a()
                : Ops.cat(0, all.stream().map(part -> part.pair.a()).toList());
        return new Update(new LoraPair(down, Ops.cat(0, rows)), scale * rank);
    }
}
