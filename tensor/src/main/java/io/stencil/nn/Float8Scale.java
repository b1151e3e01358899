package io.stencil.nn;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.json.JsonFile;
import io.stencil.safetensors.SafetensorsDtype;
import io.stencil.safetensors.TensorEntry;
import io.stencil.safetensors.TensorSource;
import io.stencil.tensor.DType;
import io.stencil.tensor.TensorFiles;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/// Scale beside a float8 weight in a file: `LAYER.weight_scale`, in older files `LAYER.scale_weight`; one number, or
/// one for each row of `LAYER.weight`.
///
/// @param name of the scale
/// @param rows 1, or those of the weight
record Float8Scale(String name, long rows) {

    private static final String WEIGHT = ".weight";
    private static final List<String> SCALES = List.of(".weight_scale", ".scale_weight");

    /// Tensors beside a weight that products in floating point do not need: scales of inputs, for products in float8.
    private static final Set<String> UNUSED = Set.of(".input_scale", ".scale_input");

    /// Description of the quantization as JSON: `{"format": "float8_e4m3fn"}`.
    private static final String DESCRIPTION = ".comfy_quant";

    private static final long MAX_DESCRIPTION_BYTES = 64 << 10;

    private static final Set<String> FORMATS = Set.of("float8_e4m3fn", "float8_e5m2");

    /// Last parts of the names of tensors that other quantizations have beside a weight, or in its place.
    private static final Map<String, String> OTHERS = Map.of(
            ".weight_scale_2", "nvfp4",
            ".absmax", "bitsandbytes",
            ".quant_map", "bitsandbytes",
            ".SCB", "bitsandbytes (int8)",
            ".zero_point", "SDNQ",
            ".svd_up", "SDNQ");

    /// Returns the scale of a weight; empty when it has none or is not in float8.
    ///
    /// @throws InvalidFileException when its shape or dtype is not that of a scale
    static Optional<Float8Scale> of(TensorSource source, String weight) {
        TensorEntry entry = source.entry(weight);
        if (!isFloat8(entry) || !weight.endsWith(WEIGHT)) {
            return Optional.empty();
        }
        String layer = weight.substring(0, weight.length() - WEIGHT.length());
        List<TensorEntry> scales = SCALES.stream()
                .map(suffix -> source.entries().get(layer + suffix))
                .filter(Objects::nonNull)
                .toList();
        if (scales.size() > 1) {
            throw fault(
                    source,
                    scales.getLast().name(),
                    "is a second scale of the same weight, beside '%s'; keep one of them"
                            .formatted(scales.getFirst().name()));
        }
        return scales.stream()
                .map(scale -> new Float8Scale(scale.name(), rows(source, scale, entry)))
                .findFirst();
    }

    private static boolean isFloat8(TensorEntry entry) {
        return DType.of(entry.dtype())
                .filter(dtype -> dtype == DType.FLOAT8_E4M3FN || dtype == DType.FLOAT8_E5M2)
                .isPresent();
    }

    private static long rows(TensorSource source, TensorEntry scale, TensorEntry weight) {
        long count = scale.elementCount();
        boolean fits = count == 1
                || (weight.shape().size() == 2
                        && scale.shape().getFirst().equals(weight.shape().getFirst())
                        && count == scale.shape().getFirst());
        boolean floating = DType.of(scale.dtype())
                .filter(dtype -> dtype.isFloatingPoint() && dtype.bytes() > 1)
                .isPresent();
        if (!fits || !floating) {
            throw fault(
                    source,
                    scale.name(),
                    "is %s %s, expected a float32 number or one for each row of a weight of shape %s; other scales (mxfp8, blocks) are not supported"
                            .formatted(scale.dtype(), scale.shape(), weight.shape()));
        }
        return count;
    }

    /// @return float32 `[rows]`, a copy
    Tensor read(TensorSource source) {
        return DType.FLOAT32.cast(TensorFiles.view(source, name)).reshape(rows).clone();
    }

    /// Checks what lies beside quantized weights, and returns the names of tensors that are no weights of their own.
    ///
    /// @throws InvalidFileException for another quantization than float8, by its name
    static List<String> companions(TensorSource source) {
        List<String> companions = new ArrayList<>();
        for (TensorEntry entry : source.entries().values()) {
            int dot = Math.max(0, entry.name().lastIndexOf('.'));
            String suffix = entry.name().substring(dot);
            String other = OTHERS.get(suffix);
            if (other != null) {
                throw unsupported(source, entry.name(), other);
            }
            if (suffix.equals(WEIGHT) && entry.dtype() == SafetensorsDtype.I8) {
                throw unsupported(source, entry.name(), "int8");
            }
            if (suffix.equals(DESCRIPTION)) {
                requireFloat8(source, entry.name());
            }
            String weight = entry.name().substring(0, dot) + WEIGHT;
            if (source.entries().containsKey(weight)
                    && (suffix.equals(DESCRIPTION)
                            || UNUSED.contains(suffix)
                            || (SCALES.contains(suffix) && of(source, weight).isPresent()))) {
                companions.add(entry.name());
            }
        }
        return companions;
    }

    private static void requireFloat8(TensorSource source, String name) {
        Location place = new Location(source.origin(name), null, name);
        long size = source.entry(name).byteSize();
        if (size > MAX_DESCRIPTION_BYTES) {
            throw fault(
                    source,
                    name,
                    "has %s bytes, expected JSON of at most %s, such as {\"format\": \"float8_e4m3fn\"}"
                            .formatted(size, MAX_DESCRIPTION_BYTES));
        }
        byte[] text = source.segment(name).toArray(ValueLayout.JAVA_BYTE);
        JsonNode format =
                JsonFile.parse(place, new String(text, StandardCharsets.UTF_8)).path("format");
        if (!FORMATS.contains(format.asText())) {
            throw unsupported(source, name, format.isMissingNode() ? "a format without name" : format.asText());
        }
    }

    private static InvalidFileException unsupported(TensorSource source, String name, String format) {
        return fault(
                source,
                name,
                "the weight is quantized as %s, which is not supported; use a file in bfloat16, float8 or GGUF"
                        .formatted(format));
    }

    private static InvalidFileException fault(TensorSource source, String name, String what) {
        return new InvalidFileException(new Location(source.origin(name), null, name), what);
    }
}
