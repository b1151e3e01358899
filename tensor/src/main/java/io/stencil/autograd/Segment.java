package io.stencil.autograd;

import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// A piece of a forward pass as a function of its differentiable inputs.
///
/// It may use other tensors and parameters; those that require gradients and are not parameters must be passed as
/// inputs. It may run twice and must compute the same both times.
@FunctionalInterface
public interface Segment {
    List<Tensor> run(List<Tensor> inputs);
}
