package io.stencil.flux2.files;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.flux2.text.PromptEncoding;
import io.stencil.flux2.text.Qwen3Config;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.flux2.vae.VaeConfig;
import io.stencil.safetensors.TensorEntry;
import io.stencil.safetensors.TensorSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads the sizes of a model from the shapes of its tensors, where no `config.json` says them. What shapes do not
/// show, such as the base of rotary frequencies, is as in the published models.
///
/// @param weights tensors under the names of this project's modules
/// @param part for messages: which part of FLUX.2, in whose names
record SizesFromShapes(TensorSource weights, String part) {

    private static final int LEVELS = 4;

    /// @throws InvalidFileException when a tensor that shows a size is missing, or sizes do not fit together
    ModelConfig read(PartLayout.Part kind) {
        try {
            return switch (kind) {
                case TRANSFORMER -> new ModelConfig.Transformer(transformer());
                case VAE -> new ModelConfig.Vae(vae());
                case TEXT_ENCODER -> new ModelConfig.TextEncoder(textEncoder(), PromptEncoding.KLEIN);
            };
        } catch (InvalidRequestException e) {
            throw new InvalidFileException(
                    new Location(origin(), null, null),
                    "%s: its shapes make no model (%s); a config.json beside it would say the sizes"
                            .formatted(part, e.what()),
                    e);
        }
    }

    private TransformerConfig transformer() {
        int layers = count("transformer_blocks\\.(\\d+)\\..+");
        int singleLayers = count("single_transformer_blocks\\.(\\d+)\\..+");
        String norm = layers > 0
                ? "transformer_blocks.0.attn.norm_q.weight"
                : "single_transformer_blocks.0.attn.norm_q.weight";
        int dim = size("x_embedder.weight", 0);
        int head = size(norm, 0);
        int hidden = layers > 0
                ? size("transformer_blocks.0.ff.linear_out.weight", 1)
                : size("single_transformer_blocks.0.attn.to_out.weight", 1) - dim;
        return new TransformerConfig(
                size("x_embedder.weight", 1),
                layers,
                singleLayers,
                head,
                quotient("width", dim, head),
                size("context_embedder.weight", 1),
                size("time_guidance_embed.timestep_embedder.linear_1.weight", 1),
                ratio(dim, hidden),
                Collections.nCopies(4, head / 4),
                2000,
                1e-6,
                weights.entries().containsKey("time_guidance_embed.guidance_embedder.linear_1.weight"));
    }

    /// The ratio that gives `hidden` again when it is multiplied by `dim` and rounded down.
    private static double ratio(int dim, int hidden) {
        double ratio = (double) hidden / dim;
        return (int) (dim * ratio) == hidden ? ratio : Math.nextUp(ratio);
    }

    private VaeConfig vae() {
        List<Integer> encoder = new ArrayList<>();
        List<Integer> decoder = new ArrayList<>();
        for (int level = 0; level < LEVELS; level++) {
            encoder.add(size("encoder.down_blocks.%s.resnets.0.conv1.weight".formatted(level), 0));
            decoder.addFirst(size("decoder.up_blocks.%s.resnets.0.conv1.weight".formatted(level), 0));
        }
        VaeConfig published = VaeConfig.flux2();
        return new VaeConfig(
                encoder,
                decoder,
                count("encoder\\.down_blocks\\.0\\.resnets\\.(\\d+)\\..+"),
                size("encoder.conv_out.weight", 0) / 2,
                published.normNumGroups(),
                published.batchNormEps());
    }

    private Qwen3Config textEncoder() {
        Qwen3Config published = Qwen3Config.size4B();
        String layer = "model.layers.0.";
        int head = size(layer + "self_attn.q_norm.weight", 0);
        return new Qwen3Config(
                size("model.embed_tokens.weight", 1),
                size(layer + "mlp.gate_proj.weight", 0),
                count("model\\.layers\\.(\\d+)\\..+"),
                quotient("query width", size(layer + "self_attn.q_proj.weight", 0), head),
                quotient("key width", size(layer + "self_attn.k_proj.weight", 0), head),
                head,
                size("model.embed_tokens.weight", 0),
                number("qwen3.attention.layer_norm_rms_epsilon", published.rmsNormEps()),
                number("qwen3.rope.freq_base", published.ropeTheta()));
    }

    /// Returns a number of GGUF's metadata, which shapes do not show.
    private double number(String key, double otherwise) {
        String text = weights.metadata().get(key);
        try {
            return text == null ? otherwise : Double.parseDouble(text);
        } catch (NumberFormatException e) {
            throw new InvalidFileException(
                    new Location(origin(), null, key), "must be a number, found \"%s\"".formatted(text), e);
        }
    }

    private int quotient(String what, int size, int head) {
        if (head == 0 || size % head != 0) {
            throw new InvalidRequestException(
                    "sizes", "%s %s is not a multiple of the head width %s".formatted(what, size, head));
        }
        return size / head;
    }

    private int size(String name, int dimension) {
        TensorEntry entry = weights.entries().get(name);
        if (entry == null || entry.shape().size() <= dimension) {
            throw new InvalidFileException(
                    new Location(origin(), null, weights.fileName(name)),
                    "%s: its sizes cannot be read, as this tensor %s"
                            .formatted(
                                    part,
                                    entry == null
                                            ? "is missing; a part of the file is not there, or it is another model's"
                                            : "has shape " + entry.shape()));
        }
        long size = entry.shape().get(dimension);
        if (size > Integer.MAX_VALUE) {
            throw new InvalidFileException(
                    new Location(origin(), null, weights.fileName(name)),
                    "%s: has shape %s, larger than that of any model".formatted(part, entry.shape()));
        }
        return (int) size;
    }

    private String origin() {
        return weights.origin(weights.entries().keySet().iterator().next());
    }

    /// Counts blocks: the highest number in a name, and one more.
    private int count(String names) {
        Pattern pattern = Pattern.compile(names);
        int count = 0;
        for (String name : weights.entries().keySet()) {
            Matcher matcher = pattern.matcher(name);
            if (matcher.matches() && matcher.group(1).length() < 6) {
                count = Math.max(count, Integer.parseInt(matcher.group(1)) + 1);
            }
        }
        return count;
    }
}
