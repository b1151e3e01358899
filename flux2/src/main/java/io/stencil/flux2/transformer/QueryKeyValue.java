package io.stencil.flux2.transformer;

import io.stencil.nn.Attention;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Queries, keys and values on their way into attention, each `[B, S, H, Dh]`.
record QueryKeyValue(Tensor q, Tensor k, Tensor v) {

    /// These tokens, then the others.
    QueryKeyValue then(QueryKeyValue next) {
        return new QueryKeyValue(Ops.cat(1, q, next.q), Ops.cat(1, k, next.k), Ops.cat(1, v, next.v));
    }

    QueryKeyValue rotate(RotaryTable rope) {
        return new QueryKeyValue(rope.rotate(q), rope.rotate(k), v);
    }

    /// Puts cached tokens behind keys and values: `[B, S + L, H, Dh]`.
    QueryKeyValue append(@Nullable KeyValue cached) {
        if (cached == null) {
            return this;
        }
        DType dtype = DType.of(q);
        Device device = Device.of(q);
        KeyValue extra = cached.expandTo(q.size(0));
        return new QueryKeyValue(
                q, Ops.cat(1, k, device.place(extra.k(), dtype)), Ops.cat(1, v, device.place(extra.v(), dtype)));
    }

    /// @return `[B, S, D]`
    Tensor attend() {
        return Attention.attend(q, k, v);
    }

    /// Records the rotated keys and values of a block's own tokens where they are requested.
    static final class KeyValueTap {

        private final boolean open;
        private final List<Tensor> taken = new ArrayList<>();

        /// @param open whether keys and values are recorded
        KeyValueTap(boolean open) {
            this.open = open;
        }

        /// @param scope the innermost one, which the tensors are to outlive
        /// @return `own`
        QueryKeyValue take(QueryKeyValue own, Scope scope) {
            if (open) {
                taken.add(scope.keep(own.k()));
                taken.add(scope.keep(own.v()));
            }
            return own;
        }

        /// Returns the block's streams, then k and v where they are recorded, all of them kept by `scope`.
        List<Tensor> behind(List<Tensor> streams, Scope scope) {
            List<Tensor> outputs = new ArrayList<>(streams);
            outputs.addAll(taken);
            return outputs.stream().map(scope::keep).toList();
        }
    }
}
