package io.stencil.flux2.transformer;

import io.stencil.error.InvalidRequestException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// One block of the transformer, by its kind and its place among those, from 0.
public sealed interface BlockId {

    /// A block in which text and image keep their own weights.
    record DoubleStream(int index) implements BlockId {
        @Override
        public String toString() {
            return key();
        }
    }

    /// A block in which text and image share weights.
    record SingleStream(int index) implements BlockId {
        @Override
        public String toString() {
            return key();
        }
    }

    /// `double_3` or `single_3`.
    default String key() {
        return switch (this) {
            case DoubleStream(int index) -> "double_" + index;
            case SingleStream(int index) -> "single_" + index;
        };
    }

    /// Whether a transformer of this configuration has the block.
    default boolean isIn(TransformerConfig config) {
        return switch (this) {
            case DoubleStream(int index) -> index >= 0 && index < config.numLayers();
            case SingleStream(int index) -> index >= 0 && index < config.numSingleLayers();
        };
    }

    /// Parses a text of [#key].
    ///
    /// @throws InvalidRequestException for any other text
    static BlockId parse(String key) {
        Matcher matcher = KeySyntax.PATTERN.matcher(key);
        if (!matcher.matches()) {
            throw new InvalidRequestException(
                    "kv_cache",
                    "'%s' names no block; expected double_N or single_N with N from 0, such as double_3"
                            .formatted(key));
        }
        int index = Integer.parseInt(matcher.group(2));
        return matcher.group(1).equals("double") ? new DoubleStream(index) : new SingleStream(index);
    }

    /// No leading zeros: one block has one key.
    final class KeySyntax {
        private static final Pattern PATTERN = Pattern.compile("(double|single)_(0|[1-9]\\d{0,5})");

        private KeySyntax() {}
    }
}
