package io.stencil.train.optim;

import io.stencil.nn.Parameter;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// Keeps the length of the gradient, of all parameters as one vector, below a bound (Pascanu et al. 2012,
/// arXiv:1211.5063), in PyTorch's order of operations.
public final class GradientClipping {

    /// Keeps the factor finite; PyTorch's.
    private static final double EPS = 1e-6;

    private GradientClipping() {}

    /// Shortens the gradients where they are too long, without waiting for their device.
    ///
    /// @param maxNorm above 0
    public static void clip(Collection<Parameter> parameters, double maxNorm) {
        try (Scope _ = new Scope()) {
            List<Tensor> gradients = new ArrayList<>();
            List<Tensor> norms = new ArrayList<>();
            for (Parameter parameter : parameters) {
                Tensor gradient = parameter.gradient();
                if (gradient != null) {
                    gradients.add(gradient);
                    norms.add(gradient.norm().reshape(1));
                }
            }
            if (gradients.isEmpty()) {
                return;
            }
            Tensor norm = Ops.cat(0, norms).norm();
            Tensor factor = Ops.clamp(Ops.mul(Ops.add(norm, EPS).reciprocal(), maxNorm), 0, 1);
            gradients.forEach(gradient -> gradient.mul_(factor));
        }
    }
}
