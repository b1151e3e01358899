package io.stencil.flux2.files;

import io.stencil.safetensors.TensorLayout.Change;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Translates names of the VAE's tensors between Black Forest Labs' `ae.safetensors` and diffusers.
///
/// BFL numbers the levels of the decoder from the full resolution, diffusers from the lowest, and BFL's attention
/// projects with convolutions of 1 x 1.
final class BflVaeNames {

    private static final int LAST_LEVEL = 3;

    private static final Pattern BFL_LEVEL =
            Pattern.compile("(encoder\\.down|decoder\\.up)\\.([0-3])\\.(block\\.\\d+|downsample|upsample)\\.(.+)");
    private static final Pattern DIFFUSERS_LEVEL = Pattern.compile(
            "(encoder\\.down|decoder\\.up)_blocks\\.([0-3])\\.(resnets\\.\\d+|downsamplers\\.0|upsamplers\\.0)\\.(.+)");

    /// Beginnings of names outside the levels, from BFL's to diffusers'.
    private static final Map<String, String> BEGINNINGS = new LinkedHashMap<>();

    static {
        for (String side : new String[] {"encoder.", "decoder."}) {
            String middle = side + "mid.";
            String attention = side + "mid_block.attentions.0.";
            BEGINNINGS.put(middle + "block_1.", side + "mid_block.resnets.0.");
            BEGINNINGS.put(middle + "block_2.", side + "mid_block.resnets.1.");
            BEGINNINGS.put(middle + "attn_1.norm.", attention + "group_norm.");
            BEGINNINGS.put(middle + "attn_1.q.", attention + "to_q.");
            BEGINNINGS.put(middle + "attn_1.k.", attention + "to_k.");
            BEGINNINGS.put(middle + "attn_1.v.", attention + "to_v.");
            BEGINNINGS.put(middle + "attn_1.proj_out.", attention + "to_out.0.");
            BEGINNINGS.put(side + "norm_out.", side + "conv_norm_out.");
        }
        BEGINNINGS.put("encoder.quant_conv.", "quant_conv.");
        BEGINNINGS.put("decoder.post_quant_conv.", "post_quant_conv.");
    }

    private BflVaeNames() {}

    /// Returns the diffusers name of a BFL tensor; the name itself where both are the same.
    static String diffusers(String bfl) {
        Matcher level = BFL_LEVEL.matcher(bfl);
        if (!level.matches()) {
            return replaced(bfl, Map.Entry::getKey, Map.Entry::getValue);
        }
        String layer = level.group(3)
                .replace("block.", "resnets.")
                .replace("downsample", "downsamplers.0")
                .replace("upsample", "upsamplers.0");
        return "%s_blocks.%s.%s.%s"
                .formatted(
                        level.group(1),
                        number(level),
                        layer,
                        level.group(4).replace("nin_shortcut.", "conv_shortcut."));
    }

    /// Returns the BFL name of a diffusers tensor; the name itself where both are the same.
    static String bfl(String diffusers) {
        Matcher level = DIFFUSERS_LEVEL.matcher(diffusers);
        if (!level.matches()) {
            return replaced(diffusers, Map.Entry::getValue, Map.Entry::getKey);
        }
        String layer = level.group(3)
                .replace("resnets.", "block.")
                .replace("downsamplers.0", "downsample")
                .replace("upsamplers.0", "upsample");
        return "%s.%s.%s.%s"
                .formatted(
                        level.group(1),
                        number(level),
                        layer,
                        level.group(4).replace("conv_shortcut.", "nin_shortcut."));
    }

    /// Replaces the beginning of a name; a name without one stays as it is.
    private static String replaced(
            String name,
            Function<Map.Entry<String, String>, String> from,
            Function<Map.Entry<String, String>, String> to) {
        return BEGINNINGS.entrySet().stream()
                .filter(beginning -> name.startsWith(from.apply(beginning)))
                .findFirst()
                .map(beginning -> to.apply(beginning)
                        + name.substring(from.apply(beginning).length()))
                .orElse(name);
    }

    /// Returns the change of shape of a tensor with this diffusers name.
    static Change change(String diffusers) {
        return diffusers.contains(".attentions.0.to_") ? Change.SQUEEZED : Change.NONE;
    }

    private static int number(Matcher level) {
        int number = Integer.parseInt(level.group(2));
        return level.group(1).startsWith("decoder") ? LAST_LEVEL - number : number;
    }
}
