package io.stencil.flux2.files;

import io.stencil.safetensors.TensorLayout.Change;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Translates names of the transformer's layers between Black Forest Labs' own files, which ComfyUI and most trainers
/// of LoRAs follow, and diffusers, whose names this project's modules have.
///
/// A layer's name has no prefix and no last part such as `.weight`.
public final class BflNames {

    /// Part of a layer, or all of it, under its name in the other naming.
    ///
    /// @param name of the layer there
    /// @param rows of the BFL layer's weight that are the diffusers layer's
    public record Layer(String name, Change rows) {}

    private static final String NUMBER = ".N.";
    private static final String WEIGHT = ".weight";
    private static final String SCALE = ".scale";
    private static final Pattern BLOCK = Pattern.compile(
            "(double_blocks|single_blocks|transformer_blocks|single_transformer_blocks)\\.(\\d+)\\.(.+)");

    /// BFL layers, and the diffusers layers that each holds; blocks have the number N.
    private static final Map<String, List<Layer>> DIFFUSERS = new LinkedHashMap<>();

    private static final Map<String, Layer> BFL = new LinkedHashMap<>();

    private static final Pattern FLAT_BLOCK =
            Pattern.compile("((?:double|single|transformer|single_transformer)_blocks)_(\\d+)_(.+)");

    /// Layers of both namings, by their names with underscores.
    private static final Map<String, String> FLAT = new LinkedHashMap<>();

    static {
        add("img_in", "x_embedder");
        add("txt_in", "context_embedder");
        add("time_in.in_layer", "time_guidance_embed.timestep_embedder.linear_1");
        add("time_in.out_layer", "time_guidance_embed.timestep_embedder.linear_2");
        add("guidance_in.in_layer", "time_guidance_embed.guidance_embedder.linear_1");
        add("guidance_in.out_layer", "time_guidance_embed.guidance_embedder.linear_2");
        add("double_stream_modulation_img.lin", "double_stream_modulation_img.linear");
        add("double_stream_modulation_txt.lin", "double_stream_modulation_txt.linear");
        add("single_stream_modulation.lin", "single_stream_modulation.linear");
        addStream("img", "to_q", "to_k", "to_v", "to_out.0", "norm_q", "norm_k", "ff");
        addStream(
                "txt",
                "add_q_proj",
                "add_k_proj",
                "add_v_proj",
                "to_add_out",
                "norm_added_q",
                "norm_added_k",
                "ff_context");
        String single = "single_blocks.N.";
        String attention = "single_transformer_blocks.N.attn.";
        add(single + "linear1", attention + "to_qkv_mlp_proj");
        add(single + "linear2", attention + "to_out");
        add(single + "norm.query_norm", attention + "norm_q");
        add(single + "norm.key_norm", attention + "norm_k");
        add("final_layer.linear", "proj_out");
        put("final_layer.adaLN_modulation.1", List.of(new Layer("norm_out.linear", Change.SWAPPED_HALVES)));
        DIFFUSERS.keySet().forEach(name -> FLAT.put(name.replace('.', '_'), name));
        BFL.keySet().forEach(name -> FLAT.put(name.replace('.', '_'), name));
    }

    private BflNames() {}

    /// @param layers of diffusers: q, k, v, output, norms of q and k, MLP
    private static void addStream(String stream, String... layers) {
        String block = "double_blocks.N.%s_".formatted(stream);
        String attention = "transformer_blocks.N.attn.";
        List<Layer> fused = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            fused.add(new Layer(attention + layers[i], new Change.RowShare(i, 3)));
        }
        put(block + "attn.qkv", fused);
        add(block + "attn.proj", attention + layers[3]);
        add(block + "attn.norm.query_norm", attention + layers[4]);
        add(block + "attn.norm.key_norm", attention + layers[5]);
        add(block + "mlp.0", "transformer_blocks.N.%s.linear_in".formatted(layers[6]));
        add(block + "mlp.2", "transformer_blocks.N.%s.linear_out".formatted(layers[6]));
    }

    private static void add(String bfl, String diffusers) {
        put(bfl, List.of(new Layer(diffusers, Change.NONE)));
    }

    private static void put(String bfl, List<Layer> diffusers) {
        DIFFUSERS.put(bfl, List.copyOf(diffusers));
        diffusers.forEach(layer -> BFL.put(layer.name, new Layer(bfl, layer.rows)));
    }

    /// Returns the diffusers layers that a BFL layer holds, in the order of their rows: three for a fused projection of
    /// q, k and v, else one; none when BFL's transformer has no such layer.
    public static List<Layer> diffusers(String bflLayer) {
        Numbered numbered = Numbered.of(bflLayer);
        return DIFFUSERS.getOrDefault(numbered.layer, List.of()).stream()
                .map(numbered::resolve)
                .toList();
    }

    /// Returns the BFL layer that holds a diffusers layer, and which of its rows are this layer's; empty when
    /// diffusers' transformer has no such layer.
    public static Optional<Layer> bfl(String diffusersLayer) {
        Numbered numbered = Numbered.of(diffusersLayer);
        return Optional.ofNullable(BFL.get(numbered.layer)).map(numbered::resolve);
    }

    /// Finds a layer of either naming by its name with underscores in place of dots; empty when there is none.
    static Optional<String> dotted(String flatLayer) {
        Matcher number = FLAT_BLOCK.matcher(flatLayer);
        boolean block = number.matches();
        String template = block ? number.group(1) + "_N_" + number.group(3) : flatLayer;
        return Optional.ofNullable(FLAT.get(template))
                .map(name -> block ? name.replace(NUMBER, "." + number.group(2) + ".") : name);
    }

    /// Returns the diffusers tensors that a BFL tensor holds, as [#diffusers] does for layers: names end in `.weight`,
    /// `.bias` or the like, and a norm's `scale` is a `weight` in diffusers.
    public static List<Layer> diffusersTensors(String bflTensor) {
        int end = bflTensor.lastIndexOf('.');
        if (end < 0) {
            return List.of();
        }
        String layer = bflTensor.substring(0, end);
        String last = bflTensor.substring(end);
        String suffix = isNorm(layer) && last.equals(SCALE) ? WEIGHT : last;
        return diffusers(layer).stream()
                .map(found -> new Layer(found.name + suffix, found.rows))
                .toList();
    }

    /// Returns the BFL tensor that holds a diffusers tensor, as [#bfl] does for layers.
    public static Optional<Layer> bflTensor(String diffusersTensor) {
        int end = diffusersTensor.lastIndexOf('.');
        if (end < 0) {
            return Optional.empty();
        }
        String last = diffusersTensor.substring(end);
        return bfl(diffusersTensor.substring(0, end))
                .map(layer ->
                        new Layer(layer.name + (isNorm(layer.name) && last.equals(WEIGHT) ? SCALE : last), layer.rows));
    }

    private static boolean isNorm(String bflLayer) {
        return bflLayer.endsWith(".query_norm") || bflLayer.endsWith(".key_norm");
    }

    /// Layer whose block number is set apart.
    private record Numbered(String layer, String number) {

        static Numbered of(String layer) {
            Matcher block = BLOCK.matcher(layer);
            return block.matches()
                    ? new Numbered(block.group(1) + NUMBER + block.group(3), block.group(2))
                    : new Numbered(layer.contains(NUMBER) ? "" : layer, "");
        }

        Layer resolve(Layer found) {
            return new Layer(found.name.replace(NUMBER, "." + number + "."), found.rows);
        }
    }
}
