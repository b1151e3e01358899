package io.stencil.flux2.convert;

import io.stencil.flux2.files.PartLayout;
import io.stencil.tensor.DType;
import org.jspecify.annotations.Nullable;

/// Names, dtype and quantization of a conversion's result; null where those of the source stay.
///
/// @param dialect whose names the result has
/// @param quantization of the linear layers of blocks
/// @param dtype of all other floating-point tensors, and of quantized ones that are not quantized again
/// @param part the one part to convert
/// @param overwrite whether an existing file is replaced
public record ModelTarget(
        @Nullable Dialect dialect,
        @Nullable Quantization quantization,
        @Nullable DType dtype,
        PartLayout.@Nullable Part part,
        boolean overwrite) {

    /// Software whose names a file has.
    public enum Dialect {
        DIFFUSERS,
        BFL,
        COMFYUI,
        KOHYA,
        PEFT
    }
}
