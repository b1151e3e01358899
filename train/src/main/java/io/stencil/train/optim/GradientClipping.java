package io.stencil.train.optim;

import io.stencil.nn.Parameter;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/// Keeps the length of the gradient, of all parameters as one vector, below a bound (Pascanu et al. 2012,
/// arXiv:1211.5063), in PyTorch's order of operations.
public final class GradientClipping {

    /// Keeps the factor finite; PyTorch's.
    private static final double EPS = 1e-6;

    private GradientClipping() {}

    /// Shortens the gradients where they are too long.
    ///
    /// @param maxNorm above 0
    /// @return the length before; 0 when there is no gradient
    public static double clip(Collection<Parameter> parameters, double maxNorm) {
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
                return 0;
            }
            double norm = Tensors.toDouble(Ops.cat(0, norms).norm());
            double factor = maxNorm / (norm + EPS);
            if (factor < 1) {
                Scalar scale = new Scalar(factor);
                gradients.forEach(gradient -> gradient.mul_(scale));
            }
            return norm;
        }
    }
}
