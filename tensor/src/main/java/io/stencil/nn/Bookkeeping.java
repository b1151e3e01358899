package io.stencil.nn;

import java.util.Set;

/// Tensors of checkpoints that no forward pass reads: markers, caches and counters that some writers add and others
/// leave out. All else in a checkpoint must be known, and all else of a model must be there.
public final class Bookkeeping {

    /// Last parts of the names of tensors that may be in a checkpoint although no model has them: the marker of files
    /// whose weights are in float8 (with scales of their own such a file is refused, by the names of the scales), the
    /// frequencies and positions that older models kept as buffers, the counter of batch normalisation.
    private static final Set<String> EXTRA = Set.of("scaled_fp8", "inv_freq", "position_ids", "num_batches_tracked");

    private static final String COUNTER = "num_batches_tracked";
    private static final String FREQUENCIES = "inv_freq";

    private Bookkeeping() {}

    /// Whether a tensor may be in a checkpoint although the model has none of that name.
    public static boolean mayBeThere(String name) {
        String last = name.substring(name.lastIndexOf('.') + 1);
        return EXTRA.contains(last) && (!last.equals(FREQUENCIES) || name.endsWith("rotary_emb." + FREQUENCIES));
    }

    /// Whether a buffer may be absent from a checkpoint; it begins at its initial value then.
    public static boolean mayBeAbsent(String name) {
        return name.equals(COUNTER) || name.endsWith("." + COUNTER);
    }
}
