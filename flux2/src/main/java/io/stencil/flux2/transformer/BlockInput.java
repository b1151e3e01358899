package io.stencil.flux2.transformer;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// All tensors that one block reads. It runs as a segment that may be recomputed after the pass, when the pass has
/// freed its own tensors: what travels through the segment's inputs is kept for that.
///
/// @param modulations `[B, 1, 6D]` of text and image for a double-stream block, `[B, 1, 3D]` for a single one
record BlockInput(
        List<Tensor> streams,
        List<Tensor> modulations,
        RotaryTable rope,
        @Nullable KeyValue cached) {

    List<Tensor> flatten() {
        List<Tensor> tensors = new ArrayList<>(streams);
        tensors.addAll(modulations);
        tensors.add(rope.turns());
        if (cached != null) {
            tensors.add(cached.k());
            tensors.add(cached.v());
        }
        return tensors;
    }

    /// The inverse of [#flatten].
    ///
    /// @param count of streams, which is that of modulations
    static BlockInput unflatten(List<Tensor> tensors, int count) {
        int rope = 2 * count;
        int cached = rope + 1;
        return new BlockInput(
                tensors.subList(0, count),
                tensors.subList(count, rope),
                new RotaryTable(tensors.get(rope)),
                tensors.size() == cached ? null : new KeyValue(tensors.get(cached), tensors.get(cached + 1)));
    }
}
