package io.stencil.pipeline.models;

import io.stencil.error.InvalidRequestException;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;

/// Rejects NaN and infinity in the results of a model, naming the model and the weight that causes them.
///
/// The weights of a large checkpoint are looked through only then.
public final class FiniteValues {

    private FiniteValues() {}

    /// Requires finite results.
    ///
    /// @param doing when the results came, such as `while encoding the prompt`
    /// @return `results`
    /// @throws InvalidRequestException when a value is NaN or infinite
    public static Tensor require(Tensor results, ModelRole role, Module model, String doing) {
        if (!Tensors.isFinite(results)) {
            throw fault(role, model, doing, "its weights and inputs are finite; try --dtype float32");
        }
        return results;
    }

    /// The fault of a model whose results are not finite.
    ///
    /// @param otherwise cause and remedy where all weights are finite
    public static InvalidRequestException fault(ModelRole role, Module model, String doing, String otherwise) {
        return new InvalidRequestException(
                role.label(),
                "gives values that are not finite (NaN or infinity) %s: %s"
                        .formatted(
                                doing,
                                brokenWeight(model)
                                        .map(
                                                "its weight '%s' holds such values, so the checkpoint is damaged; fetch or convert it again"
                                                        ::formatted)
                                        .orElse(otherwise)));
    }

    private static Optional<String> brokenWeight(Module model) {
        for (Map.Entry<String, Parameter> entry : model.state().entrySet()) {
            Parameter parameter = entry.getValue();
            try (Scope _ = new Scope()) {
                boolean quantized = parameter.quantization().isPresent();
                if (!Tensors.isFinite(quantized ? parameter.in(DType.FLOAT32) : parameter.get())) {
                    return Optional.of(entry.getKey());
                }
            } finally {
                parameter.evict();
            }
        }
        return Optional.empty();
    }
}
