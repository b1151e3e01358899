package io.stencil.train.step;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.TrainingSample;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// One sample of a step. Its pictures are decoded when they are asked for: with cached encodings they are not.
///
/// @param key what the encodings of its pictures are kept under, compared by identity; null keeps none
/// @param prompt that the transformer is given, which may be another than the dataset's
/// @param pictures decodes the pictures
/// @param folder against which paths in the inputs are resolved
public record StepSample(
        @Nullable Object key,
        String prompt,
        Supplier<TrainingSample> pictures,
        @Nullable ObjectNode templateInputs,
        Path folder) {

    public static StepSample of(TrainingSample sample) {
        return new StepSample(null, sample.prompt(), () -> sample, sample.templateInputs(), sample.folder());
    }

    /// @param pictures decodes the row's pictures
    public static StepSample of(DatasetRow row, Path folder, Supplier<TrainingSample> pictures) {
        return new StepSample(row, row.prompt(), pictures, row.templateInputs(), folder);
    }

    public StepSample withPrompt(String text) {
        return new StepSample(key, text, pictures, templateInputs, folder);
    }
}
