package io.stencil.flux2.files;

import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Translates names of Qwen3's tensors between llama.cpp, whose GGUF files have them, and Hugging Face.
final class LlamaCppNames {

    /// Names that no other naming has.
    static final String PATTERN = "token_embd\\.|blk\\.\\d+\\.(?:attn|ffn)_";

    private static final Pattern BLOCK = Pattern.compile("blk\\.(\\d+)\\.(\\w+)\\.(\\w+)");
    private static final Pattern LAYER = Pattern.compile("model\\.layers\\.(\\d+)\\.(.+)\\.(\\w+)");

    /// Layers outside of blocks.
    private static final Map<String, String> OUTER = Map.of(
            "token_embd.weight", "model.embed_tokens.weight",
            "output_norm.weight", "model.norm.weight",
            "output.weight", "lm_head.weight");

    /// Layers of a block.
    private static final Map<String, String> INNER = Map.ofEntries(
            Map.entry("attn_norm", "input_layernorm"),
            Map.entry("attn_q", "self_attn.q_proj"),
            Map.entry("attn_k", "self_attn.k_proj"),
            Map.entry("attn_v", "self_attn.v_proj"),
            Map.entry("attn_q_norm", "self_attn.q_norm"),
            Map.entry("attn_k_norm", "self_attn.k_norm"),
            Map.entry("attn_output", "self_attn.o_proj"),
            Map.entry("ffn_norm", "post_attention_layernorm"),
            Map.entry("ffn_gate", "mlp.gate_proj"),
            Map.entry("ffn_up", "mlp.up_proj"),
            Map.entry("ffn_down", "mlp.down_proj"));

    private static final Map<String, String> OUTER_BACK = reversed(OUTER);
    private static final Map<String, String> INNER_BACK = reversed(INNER);

    private LlamaCppNames() {}

    /// Returns the name in Hugging Face's files; the name itself when it is none of llama.cpp's.
    static String huggingFace(String name) {
        Matcher block = BLOCK.matcher(name);
        return block.matches() && INNER.containsKey(block.group(2))
                ? "model.layers.%s.%s.%s".formatted(block.group(1), INNER.get(block.group(2)), block.group(3))
                : OUTER.getOrDefault(name, name);
    }

    /// Returns the name in llama.cpp's files; the name itself when it is none of Hugging Face's.
    static String llamaCpp(String name) {
        Matcher layer = LAYER.matcher(name);
        return layer.matches() && INNER_BACK.containsKey(layer.group(2))
                ? "blk.%s.%s.%s".formatted(layer.group(1), INNER_BACK.get(layer.group(2)), layer.group(3))
                : OUTER_BACK.getOrDefault(name, name);
    }

    private static Map<String, String> reversed(Map<String, String> names) {
        Map<String, String> back = new HashMap<>();
        names.forEach((name, other) -> back.put(other, name));
        return Map.copyOf(back);
    }
}
