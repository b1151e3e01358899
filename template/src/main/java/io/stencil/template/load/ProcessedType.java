package io.stencil.template.load;

import io.stencil.template.input.InputType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;

/// The Java types that processed inputs may hold: what can be written to a cache and read back without the author's
/// help.
final class ProcessedType {

    private ProcessedType() {}

    /// Tensors, numbers, booleans, strings, enums, and records, lists and optionals of them.
    static boolean isSupported(Type type) {
        if (type instanceof ParameterizedType generic) {
            boolean container = generic.getRawType() == List.class || generic.getRawType() == Optional.class;
            return container && isSupported(generic.getActualTypeArguments()[0]);
        }
        if (!(type instanceof Class<?> plain)) {
            return false;
        }
        if (plain.isRecord()) {
            for (RecordComponent component : plain.getRecordComponents()) {
                if (!isSupported(component.getGenericType())) {
                    return false;
                }
            }
            return true;
        }
        return plain == Tensor.class || InputType.isScalar(plain);
    }
}
