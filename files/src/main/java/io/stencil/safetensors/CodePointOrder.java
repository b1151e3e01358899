package io.stencil.safetensors;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;

/// Strings by code point, as Python and Rust sort them.
///
/// Java's own order compares UTF-16 units and puts U+1D400, a surrogate pair, before U+FF21.
final class CodePointOrder {

    /// UTF-8 keeps the order of code points.
    static final Comparator<String> INSTANCE =
            (a, b) -> Arrays.compareUnsigned(a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));

    private CodePointOrder() {}
}
