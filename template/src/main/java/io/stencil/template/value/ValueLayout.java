package io.stencil.template.value;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.TemplateException;
import io.stencil.flux2.transformer.BlockId;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.safetensors.TensorEntry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Sizes of a [ValueKeyValues].
///
/// @param blocks that get keys and values
/// @param heads of the transformer
/// @param headDim channels of a head
/// @param length tokens that are appended to each block
public record ValueLayout(List<BlockId> blocks, int heads, int headDim, int length) {

    private static final Pattern NAME = Pattern.compile(
            "proj_[kv]\\.((?:double|single)_(?:0|[1-9]\\d{0,5}))\\.(?:positional_embedding|prefer_value_embedder\\.[02]\\.(?:weight|bias))");

    public ValueLayout {
        blocks = List.copyOf(blocks);
        if (length < 1) {
            throw new InvalidRequestException("length", "length must be at least 1, found " + length);
        }
    }

    /// Every block of a transformer.
    public static ValueLayout allBlocks(TransformerConfig base, int length) {
        List<BlockId> blocks = new ArrayList<>();
        for (int i = 0; i < base.numLayers(); i++) {
            blocks.add(new BlockId.DoubleStream(i));
        }
        for (int i = 0; i < base.numSingleLayers(); i++) {
            blocks.add(new BlockId.SingleStream(i));
        }
        return new ValueLayout(blocks, base.numAttentionHeads(), base.attentionHeadDim(), length);
    }

    /// Returns whether weights are of this family, for a transformer of any size.
    public static boolean isIn(Map<String, TensorEntry> entries) {
        return positions(entries).isPresent();
    }

    /// The layout of weights, read off their names and shapes; empty when they are not of this family.
    ///
    /// @param base the transformer to steer
    /// @param file for messages
    /// @throws TemplateException when they are, but for a transformer of another size
    public static Optional<ValueLayout> of(Map<String, TensorEntry> entries, TransformerConfig base, Path file) {
        return positions(entries).map(positions -> {
            ValueLayout layout = new ValueLayout(
                    blocks(entries).stream().map(BlockId::parse).toList(),
                    base.numAttentionHeads(),
                    base.attentionHeadDim(),
                    Math.toIntExact(positions.shape().get(0)));
            layout.requireFits(base, positions, file);
            return layout;
        });
    }

    /// The positional embedding of the first block; empty when the weights are not of this family.
    private static Optional<TensorEntry> positions(Map<String, TensorEntry> entries) {
        TreeSet<String> blocks = blocks(entries);
        return blocks.isEmpty()
                ? Optional.empty()
                : Optional.ofNullable(entries.get("proj_k." + blocks.first() + ".positional_embedding"))
                        .filter(entry ->
                                entry.shape().size() == 2 && entry.shape().get(0) >= 1);
    }

    /// Keys of the blocks; empty when a name is none of this family.
    private static TreeSet<String> blocks(Map<String, TensorEntry> entries) {
        TreeSet<String> blocks = new TreeSet<>();
        for (String name : entries.keySet()) {
            Matcher matcher = NAME.matcher(name);
            if (!matcher.matches()) {
                return new TreeSet<>();
            }
            blocks.add(matcher.group(1));
        }
        return blocks;
    }

    private void requireFits(TransformerConfig base, TensorEntry positions, Path file) {
        if (positions.shape().get(1) != dim()) {
            throw new TemplateException(
                    file,
                    "steers a transformer of width %s, but the base model's is %s"
                            .formatted(positions.shape().get(1), dim()));
        }
        for (BlockId block : blocks) {
            if (!block.isIn(base)) {
                throw new TemplateException(
                        file,
                        "steers block %s, but the base model has %s double and %s single blocks"
                                .formatted(block.key(), base.numLayers(), base.numSingleLayers()));
            }
        }
    }

    /// D, the width of the transformer.
    public int dim() {
        return heads * headDim;
    }
}
