package io.stencil.train.data;

import io.stencil.image.Mask;
import io.stencil.image.RgbImage;
import io.stencil.template.load.LoadedTemplate.BoundInput;
import io.stencil.tensor.ProcessRandom;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Holds one sample of a training step: a row of the dataset in its turn. Its content is read when it is first needed,
/// which it is not where its encodings are cached.
///
/// @param row whose encodings are cached, compared by identity; null caches none
/// @param prompt that the transformer gets, which may be another than that of the row
/// @param content images and Template inputs
/// @param seeds of the numbers that a Template draws from the generators of the process; null leaves these as they are
public record Sample(
        @Nullable DatasetRow row,
        String prompt,
        Supplier<Content> content,
        @Nullable Seeds seeds) {

    /// Decoded images and bound Template inputs of a row.
    ///
    /// @param image both sides multiples of 16
    /// @param editImages reference images of the transformer, both sides multiples of 16
    /// @param inputs of the Template, or null when none takes part
    /// @param mask how much each latent token counts in the loss, of which some do; null where all count in full
    public record Content(
            RgbImage image,
            List<RgbImage> editImages,
            @Nullable BoundInput<?, ?> inputs,
            @Nullable Mask mask) {

        public Content {
            editImages = List.copyOf(editImages);
        }

        /// Makes a content whose whole image counts in the loss.
        public Content(RgbImage image, List<RgbImage> editImages, @Nullable BoundInput<?, ?> inputs) {
            this(image, editImages, inputs, null);
        }
    }

    /// Seeds a Template's draws by the seed of the run and by the sample, not by earlier draws: they are the same in
    /// any process, and in a resumed run.
    ///
    /// @param row for `processInputs`: the same in each step, as its result may be cached
    /// @param step for `forward`: another in each step
    public record Seeds(long row, long step) {

        /// @param seed of the run
        /// @param row of the sample
        /// @param step of the run, from 0
        /// @param index of the sample in the batch of all processes together
        public static Seeds of(long seed, DatasetRow row, long step, int index) {
            return new Seeds(ofRow(seed, row), ProcessRandom.seed(seed, 2, step, index));
        }

        /// Seeds by the content of the row, not by its place.
        public static long ofRow(long seed, DatasetRow row) {
            return ProcessRandom.seed(
                    seed,
                    1,
                    row.prompt().hashCode(),
                    String.valueOf(row.image().getFileName()).hashCode(),
                    String.valueOf(row.templateInputs()).hashCode());
        }
    }

    /// Makes a sample of no dataset.
    public static Sample of(String prompt, Content content) {
        return new Sample(null, prompt, () -> content, null);
    }

    /// Makes a sample of a row, without seeds.
    ///
    /// @param content reads the row
    public static Sample of(DatasetRow row, Supplier<Content> content) {
        return new Sample(row, row.prompt(), content, null);
    }

    public Sample withPrompt(String text) {
        return new Sample(row, text, content, seeds);
    }

    public Sample withSeeds(Seeds given) {
        return new Sample(row, prompt, content, given);
    }
}
