package io.stencil.train.step;

import io.stencil.tensor.ProcessRandom;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.TrainingSample;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// One sample of a step. It is read when it is asked for: with cached encodings it is not.
///
/// @param key what the encodings of its pictures are kept under, compared by identity; null keeps none
/// @param prompt that the transformer is given, which may be another than the dataset's
/// @param content pictures and Template inputs
/// @param seeds of what a Template draws from the generators of the process; null leaves them as they are
public record StepSample(
        @Nullable Object key,
        String prompt,
        Supplier<TrainingSample> content,
        @Nullable Seeds seeds) {

    /// What a Template draws follows from the seed of the run and from the sample, not from what was drawn before: it
    /// is the same in any process, and when a run goes on.
    ///
    /// @param row for `processInputs`: the same in each step, as its result may be kept
    /// @param step for `forward`: another in each step
    public record Seeds(long row, long step) {

        /// @param seed of the run
        /// @param row of the sample
        /// @param step of the run, from 0
        /// @param index of the sample in the batch of all processes together
        public static Seeds of(long seed, DatasetRow row, long step, int index) {
            return new Seeds(ofRow(seed, row), ProcessRandom.seed(seed, 2, step, index));
        }

        /// By what the row holds, not by its place.
        public static long ofRow(long seed, DatasetRow row) {
            return ProcessRandom.seed(
                    seed,
                    1,
                    row.prompt().hashCode(),
                    String.valueOf(row.image().getFileName()).hashCode(),
                    String.valueOf(row.templateInputs()).hashCode());
        }
    }

    /// Without seeds.
    public StepSample(@Nullable Object key, String prompt, Supplier<TrainingSample> content) {
        this(key, prompt, content, null);
    }

    public static StepSample of(TrainingSample sample) {
        return new StepSample(null, sample.prompt(), () -> sample);
    }

    /// @param content reads the row
    public static StepSample of(DatasetRow row, Supplier<TrainingSample> content) {
        return new StepSample(row, row.prompt(), content);
    }

    public StepSample withPrompt(String text) {
        return new StepSample(key, text, content, seeds);
    }

    public StepSample withSeeds(Seeds given) {
        return new StepSample(key, prompt, content, given);
    }
}
