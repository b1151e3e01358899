package io.stencil.flux2.files;

import io.stencil.safetensors.SafetensorsDtype;
import io.stencil.safetensors.TensorEntry;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Describes the types of the weights of a part: `BF16`, `Q4_K and F32`, `float8 with scales and BF16`.
final class WeightTypes {

    private static final Set<String> SCALES = Set.of("weight_scale", "scale_weight");

    /// Last parts of the names of tensors beside quantized weights, and of markers.
    private static final Set<String> BESIDE = Set.of(
            "weight_scale",
            "scale_weight",
            "input_scale",
            "scale_input",
            "comfy_quant",
            "scaled_fp8",
            "weight_scale_2");

    private WeightTypes() {}

    /// Names the types of floating-point weights, those of most bytes first.
    static String describe(Collection<TensorEntry> tensors) {
        Map<String, Long> bytes = new LinkedHashMap<>();
        for (TensorEntry tensor : tensors) {
            if (!BESIDE.contains(last(tensor)) && tensor.byteSize() > 0 && !isInteger(tensor)) {
                bytes.merge(name(tensor, tensors), tensor.byteSize(), Long::sum);
            }
        }
        List<String> names = bytes.entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
                .map(Map.Entry::getKey)
                .toList();
        return names.size() < 2
                ? String.join("", names)
                : "%s and %s".formatted(String.join(", ", names.subList(0, names.size() - 1)), names.getLast());
    }

    /// Whether a tensor is in blocks or in float8.
    static boolean isQuantized(TensorEntry tensor) {
        return !(tensor.dtype() instanceof SafetensorsDtype dtype)
                || dtype == SafetensorsDtype.F8_E4M3
                || dtype == SafetensorsDtype.F8_E5M2;
    }

    private static boolean isInteger(TensorEntry tensor) {
        return tensor.dtype() instanceof SafetensorsDtype dtype
                && switch (dtype) {
                    case I16, U16, I32, U32, I64, U64, BOOL -> true;
                    default -> false;
                };
    }

    private static String name(TensorEntry tensor, Collection<TensorEntry> all) {
        return switch (tensor.dtype()) {
            case SafetensorsDtype.F8_E4M3 -> "float8" + scales(all);
            case SafetensorsDtype.F8_E5M2 -> "float8 (e5m2)" + scales(all);
            case SafetensorsDtype.I8, SafetensorsDtype.U8 -> tensor.dtype() + " (a quantization that is not supported)";
            default -> tensor.dtype().formatName();
        };
    }

    private static String scales(Collection<TensorEntry> all) {
        List<TensorEntry> scales =
                all.stream().filter(tensor -> SCALES.contains(last(tensor))).toList();
        return scales.isEmpty()
                ? " without scales"
                : scales.stream().anyMatch(scale -> scale.elementCount() > 1) ? " with scales of rows" : " with scales";
    }

    private static String last(TensorEntry tensor) {
        return tensor.name().substring(tensor.name().lastIndexOf('.') + 1);
    }
}
