package io.stencil.flux2.transformer;

import io.stencil.error.InvalidRequestException;
import java.util.List;
import java.util.stream.IntStream;

/// Which blocks of a transformer those of a smaller one stand for, in their order.
public record BlockSpread(List<BlockId.DoubleStream> doubleBlocks, List<BlockId.SingleStream> singleBlocks) {

    private static final String DOUBLE_PREFIX = "transformer_blocks.";
    private static final String SINGLE_PREFIX = "single_transformer_blocks.";

    public BlockSpread {
        doubleBlocks = List.copyOf(doubleBlocks);
        singleBlocks = List.copyOf(singleBlocks);
    }

    /// Blocks at equal distances, from the first one on.
    ///
    /// @throws InvalidRequestException when the transformer has not that many blocks, or both counts are 0
    public static BlockSpread over(TransformerConfig base, int doubleBlocks, int singleBlocks) {
        if (doubleBlocks < 0 || singleBlocks < 0 || doubleBlocks + singleBlocks == 0) {
            throw new InvalidRequestException(
                    "blocks",
                    "a small transformer needs a block, found %s double and %s single ones"
                            .formatted(doubleBlocks, singleBlocks));
        }
        if (doubleBlocks > base.numLayers() || singleBlocks > base.numSingleLayers()) {
            throw new InvalidRequestException(
                    "blocks",
                    "the base has %s double and %s single blocks, %s and %s are asked for"
                            .formatted(base.numLayers(), base.numSingleLayers(), doubleBlocks, singleBlocks));
        }
        return new BlockSpread(
                IntStream.range(0, doubleBlocks)
                        .map(i -> i * base.numLayers() / doubleBlocks)
                        .mapToObj(BlockId.DoubleStream::new)
                        .toList(),
                IntStream.range(0, singleBlocks)
                        .map(i -> i * base.numSingleLayers() / singleBlocks)
                        .mapToObj(BlockId.SingleStream::new)
                        .toList());
    }

    /// The name that a tensor of the smaller transformer has in the larger one.
    String nameInBase(String name) {
        if (name.startsWith(DOUBLE_PREFIX)) {
            return renumbered(
                    name,
                    DOUBLE_PREFIX,
                    doubleBlocks.stream().map(BlockId.DoubleStream::index).toList());
        }
        if (name.startsWith(SINGLE_PREFIX)) {
            return renumbered(
                    name,
                    SINGLE_PREFIX,
                    singleBlocks.stream().map(BlockId.SingleStream::index).toList());
        }
        return name;
    }

    private static String renumbered(String name, String prefix, List<Integer> inBase) {
        String[] numberAndRest = name.substring(prefix.length()).split("\\.", 2);
        return prefix + inBase.get(Integer.parseInt(numberAndRest[0])) + "." + numberAndRest[1];
    }
}
