package io.stencil.train.step;

import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.TrainingSample;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// One sample of a step. It is read when it is asked for: with cached encodings it is not.
///
/// @param key what the encodings of its pictures are kept under, compared by identity; null keeps none
/// @param prompt that the transformer is given, which may be another than the dataset's
/// @param content pictures and Template inputs
public record StepSample(@Nullable Object key, String prompt, Supplier<TrainingSample> content) {

    public static StepSample of(TrainingSample sample) {
        return new StepSample(null, sample.prompt(), () -> sample);
    }

    /// @param content reads the row
    public static StepSample of(DatasetRow row, Supplier<TrainingSample> content) {
        return new StepSample(row, row.prompt(), content);
    }

    public StepSample withPrompt(String text) {
        return new StepSample(key, text, content);
    }
}
