package io.stencil.flux2.transformer;

import io.stencil.tensor.Scope;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// Where a block leaves the keys and values that it made of its own tokens, turned to their places, when they are asked
/// for.
final class KeyValueTap {

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
