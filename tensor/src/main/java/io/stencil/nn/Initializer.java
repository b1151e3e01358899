package io.stencil.nn;

import io.stencil.tensor.TorchGenerator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/// How a parameter is filled when no weights are loaded.
@FunctionalInterface
public interface Initializer {

    Initializer ZEROS = (tensor, _) -> tensor.zero_();
    Initializer ONES = (tensor, _) -> tensor.fill_(new Scalar(1.0));

    /// Fills `tensor` in place.
    void fill(Tensor tensor, TorchGenerator generator);

    static Initializer normal(double standardDeviation) {
        return (tensor, generator) -> generator.fillNormal(tensor, 0, standardDeviation);
    }

    /// Uniform in +-1/sqrt(fanIn): the customary start of linear and convolution layers.
    static Initializer uniformFanIn(long fanIn) {
        double bound = 1 / Math.sqrt((double) fanIn);
        return (tensor, generator) -> generator.fillUniform(tensor, -bound, bound);
    }
}
