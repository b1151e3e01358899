package io.stencil.train.optim;

import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Clips gradients: computes the norm of the gradient, of all parameters as one vector, and keeps it below a bound
/// (Pascanu et al. 2012, arXiv:1211.5063), in PyTorch's order of operations.
public final class GradientClipping {

    /// Keeps the factor finite; PyTorch's.
    private static final double EPS = 1e-6;

    /// From here on the squares of gradients, of which AdamW keeps the mean, may be infinite in float32.
    private static final double LIMIT = 1e19;

    private GradientClipping() {}

    /// Shortens the gradients where they are too long, without waiting for their device.
    ///
    /// @param maxNorm above 0
    public static void clip(Collection<Parameter> parameters, double maxNorm) {
        try (Scope _ = new Scope()) {
            clip(parameters, norm(parameters), maxNorm);
        }
    }

    /// The same where the length is known.
    ///
    /// @param norm as [#norm] gave it
    public static void clip(Collection<Parameter> parameters, @Nullable Tensor norm, double maxNorm) {
        if (norm == null) {
            return;
        }
        try (Scope _ = new Scope()) {
            Tensor factor = Ops.clamp(Ops.mul(Ops.add(norm, EPS).reciprocal(), maxNorm), 0, 1);
            for (Parameter parameter : parameters) {
                Tensor gradient = parameter.gradient();
                if (gradient != null) {
                    gradient.mul_(factor);
                }
            }
        }
    }

    /// Measures the length without waiting for the device: one reduction over all gradients, which is finite only where
    /// all of them are.
    ///
    /// @return one number, owned by the caller's scope; null where there is no gradient
    public static @Nullable Tensor norm(Collection<Parameter> parameters) {
        return norm(parameters, DType.FLOAT32);
    }

    private static @Nullable Tensor norm(Collection<Parameter> parameters, DType dtype) {
        try (Scope scope = new Scope()) {
            List<Tensor> norms = new ArrayList<>();
            for (Parameter parameter : parameters) {
                Tensor gradient = parameter.gradient();
                if (gradient != null) {
                    norms.add(dtype.cast(gradient).norm().reshape(1));
                }
            }
            return norms.isEmpty() ? null : scope.keep(Ops.cat(0, norms).norm());
        }
    }

    /// Whether an update can be made of gradients of this length: they are finite, and so are their squares.
    public static boolean isUsable(double norm) {
        return norm < LIMIT; // not so with NaN
    }

    /// Shortens finite gradients whose squares are infinite in float32, by their length in float64.
    public static void clipWide(Collection<Parameter> parameters, double maxNorm) {
        try (Scope _ = new Scope()) {
            clip(parameters, norm(parameters, DType.FLOAT64), maxNorm);
        }
    }

    /// Names the first parameter whose gradient holds NaN or infinity. Waits for the device.
    public static Optional<String> firstNonFinite(Map<String, Parameter> parameters) {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> gradients = new LinkedHashMap<>();
            parameters.forEach((name, parameter) -> {
                Tensor gradient = parameter.gradient();
                if (gradient != null) {
                    gradients.put(name, gradient);
                }
            });
            return Tensors.firstNonFinite(gradients);
        }
    }
}
