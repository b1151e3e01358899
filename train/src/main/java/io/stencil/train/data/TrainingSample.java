package io.stencil.train.data;

import io.stencil.image.RgbImage;
import io.stencil.template.load.LoadedTemplate.BoundInput;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What one training step learns from.
///
/// @param image both sides multiples of 16
/// @param editImages pictures that the transformer looks at, both sides multiples of 16
/// @param inputs of the Template, or null when none takes part
public record TrainingSample(
        RgbImage image,
        String prompt,
        List<RgbImage> editImages,
        @Nullable BoundInput<?, ?> inputs) {

    public TrainingSample {
        editImages = List.copyOf(editImages);
    }
}
