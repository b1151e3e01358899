package io.stencil.autograd;

import io.stencil.tensor.WeightValues;

/// A weight without gradients that a layer reads when it needs it, forward and backward.
public interface FrozenWeight {

    /// Returns the content for a layer that keeps its module open.
    ///
    /// @return owned by the weight; valid until [#evict], which frees it, unlike what [io.stencil.nn.Parameter#get]
    ///     returned
    WeightValues values();

    /// Ends a layer's use: an offloaded weight frees its memory until the next one.
    void evict();

    /// Whether [#evict] frees memory, so that nothing must hold on to [#values].
    boolean isOffloaded();
}
