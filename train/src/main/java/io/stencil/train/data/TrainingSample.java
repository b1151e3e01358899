package io.stencil.train.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.image.RgbImage;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What one training step learns from.
///
/// @param image both sides multiples of 16
/// @param editImages pictures that the transformer looks at, both sides multiples of 16
/// @param templateInputs the Template's inputs, or null when no Template takes part
/// @param folder against which paths in `templateInputs` are resolved
public record TrainingSample(
        RgbImage image,
        String prompt,
        List<RgbImage> editImages,
        @Nullable ObjectNode templateInputs,
        Path folder) {

    public TrainingSample {
        editImages = List.copyOf(editImages);
    }
}
