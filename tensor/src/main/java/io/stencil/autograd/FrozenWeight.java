package io.stencil.autograd;

import org.bytedeco.pytorch.Tensor;

/// A weight matrix without gradients that a product asks for when it needs it, forward and backward.
public interface FrozenWeight {

    /// @return [out, in], owned by the weight; valid until [#letGo]
    Tensor get();

    /// Says that a product is done with it: an offloaded weight frees its memory until the next use.
    void letGo();

    /// Whether [#letGo] frees memory, so that nothing must hold on to what [#get] gave.
    boolean isOffloaded();
}
