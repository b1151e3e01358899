package io.stencil.nn;

import io.stencil.autograd.FrozenLayer;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import org.bytedeco.pytorch.Tensor;

/// 2-D convolution with bias and a square kernel.
public final class Conv2d extends Module {

    private final Parameter weight;
    private final Parameter bias;
    private final long stride;
    private final long padding;

    /// A convolution of stride 1 that keeps height and width.
    public Conv2d(long in, long out, long kernel) {
        this(in, out, kernel, 1, kernel / 2);
    }

    public Conv2d(long in, long out, long kernel, long stride, long padding) {
        Initializer start = Initializer.uniformFanIn(in * kernel * kernel);
        weight = parameter("weight", start, out, in, kernel, kernel);
        bias = parameter("bias", start, out);
        this.stride = stride;
        this.padding = padding;
    }

    /// @param x [B, in, H, W]
    /// @return [B, out, H', W']
    public Tensor forward(Tensor x) {
        long height = x.size(2);
        long width = x.size(3);
        try (OpenPass _ = openLayer()) {
            Tensor y = FrozenLayer.linear(
                    x, this::convolve, gradient -> inputGradient(gradient, height, width), weight, bias);
            FlopCounter.add(y.numel(), weight.elementCount() / weight.shape()[0]);
            return y;
        }
    }

    private Tensor convolve(Tensor x) {
        DType dtype = DType.of(x);
        return Ops.conv2d(x, dtype.cast(weight.tensor()), dtype.cast(bias.tensor()), stride, padding);
    }

    /// @param gradient [B, out, H', W']
    /// @return [B, in, height, width]
    private Tensor inputGradient(Tensor gradient, long height, long width) {
        return Ops.conv2dInputGradient(
                gradient, DType.of(gradient).cast(weight.tensor()), height, width, stride, padding);
    }
}
