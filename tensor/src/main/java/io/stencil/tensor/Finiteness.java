package io.stencil.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/// Finds NaN and infinity among many tensors with one wait for their device.
public final class Finiteness {

    private Finiteness() {}

    /// Names the first tensor that holds a value which is not finite. Whole numbers and float8 are passed over.
    ///
    /// @param tensors by name, on one device
    public static Optional<String> firstNonFinite(Map<String, Tensor> tensors) {
        try (Scope _ = new Scope()) {
            List<String> names = new ArrayList<>();
            List<Tensor> largest = new ArrayList<>();
            Scalar maximum = new Scalar(Double.POSITIVE_INFINITY); // the norm that is the largest absolute value
            tensors.forEach((name, tensor) -> {
                DType dtype = DType.of(tensor);
                if (dtype.isFloatingPoint() && dtype != DType.FLOAT8_E4M3FN && tensor.numel() > 0) {
                    names.add(name);
                    largest.add(
                            DType.FLOAT32.cast(tensor.detach().norm(maximum)).reshape(1));
                }
            });
            if (names.isEmpty()) {
                return Optional.empty();
            }
            float[] values = Tensors.toFloats(Ops.cat(0, largest));
            for (int i = 0; i < values.length; i++) {
                if (!Float.isFinite(values[i])) {
                    return Optional.of(names.get(i));
                }
            }
            return Optional.empty();
        }
    }
}
