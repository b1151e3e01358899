package io.stencil.autograd;

import io.stencil.tensor.RestingWeight;

/// A weight without gradients that a layer asks for when it needs it, forward and backward.
public interface FrozenWeight {

    /// @return of a linear layer [out, in], owned by the weight; valid until [#evict]
    RestingWeight resting();

    /// Says that a layer is done with it: an offloaded weight frees its memory until the next use.
    void evict();

    /// Whether [#evict] frees memory, so that nothing must hold on to what [#resting] gave.
    boolean isOffloaded();
}
