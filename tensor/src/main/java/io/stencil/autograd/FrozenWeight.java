package io.stencil.autograd;

import io.stencil.tensor.RestingWeight;

/// A weight matrix without gradients that a product asks for when it needs it, forward and backward.
public interface FrozenWeight {

    /// @return [out, in], owned by the weight; valid until [#letGo]
    RestingWeight resting();

    /// Says that a product is done with it: an offloaded weight frees its memory until the next use.
    void letGo();

    /// Whether [#letGo] frees memory, so that nothing must hold on to what [#resting] gave.
    boolean isOffloaded();
}
