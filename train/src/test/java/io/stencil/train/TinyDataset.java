package io.stencil.train;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.train.options.DataOptions.ExtraInput;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/// Plain-coloured pictures of 32 x 32 pixels with their brightness, one row each.
///
/// @param folder with the pictures and `metadata.jsonl`
record TinyDataset(Path folder) {

    static TinyDataset paint(Path folder, int count) throws IOException {
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < count; i++) {
            int grey = 255 * (i + 1) / (count + 1);
            RgbImage picture = RgbImage.filled(new ImageSize(32, 32), grey << 16 | grey << 8 | grey);
            RgbImageWriter.write(picture, folder.resolve(i + ".png"));
            rows.append(String.format(
                    Locale.ROOT,
                    "{\"image\": \"%s.png\", \"prompt\": \"a wall\", \"edit_image\": \"%s.png\", "
                            + "\"template_inputs\": {\"scale\": %.3f}}%n",
                    i,
                    (i + 1) % count,
                    grey / 255.0));
        }
        Files.writeString(folder.resolve("metadata.jsonl"), rows);
        return new TinyDataset(folder);
    }

    /// Options for training a whole Template on it, with seed 1 and a high rate.
    TrainOptions.Builder options(Path output) {
        return options(TinyTraining.base(), folder, folder.resolve("metadata.jsonl"), output);
    }

    /// The same with another base model and another dataset.
    static TrainOptions.Builder options(ModelFiles base, Path dataset, Path metadata, Path output) {
        return TrainOptions.builder(base, dataset, metadata, output)
                .load(TinyTraining.FLOAT32)
                .template(TinyTraining.templateFolder())
                .trainable(List.of("template_model"))
                .extraInputs(Set.of(ExtraInput.TEMPLATE_INPUTS))
                .learningRate(1e-3)
                .seed(1L);
    }
}
