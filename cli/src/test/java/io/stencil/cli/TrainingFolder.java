package io.stencil.cli;

import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A dataset of three pictures of the goldens, and the words of a short training on it.
///
/// @param folder gets the dataset; the output goes to `output` in it
record TrainingFolder(Path folder) {

    static TrainingFolder make(Path folder) throws IOException {
        TrainingFolder made = new TrainingFolder(folder);
        Files.createDirectories(made.dataset());
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < 3; i++) {
            Files.copy(TestFiles.golden("train_" + i + ".png"), made.dataset().resolve(i + ".png"));
            rows.append(row("\"" + i + ".png\"", "{\"scale\": 0." + (i + 2) + "}"));
        }
        made.write(rows.toString());
        return made;
    }

    static String row(String image, String templateInputs) {
        return "{\"image\": %s, \"prompt\": \"a circle\", \"template_inputs\": %s}\n".formatted(image, templateInputs);
    }

    Path dataset() {
        return folder.resolve("data set");
    }

    Path output() {
        return folder.resolve("output");
    }

    Path metadata() {
        return dataset().resolve("metadata.jsonl");
    }

    /// Replaces the metadata file.
    void write(String rows) throws IOException {
        Files.writeString(metadata(), rows);
    }

    /// A good command line; each of `more` replaces the word for the same option, and `--option=` removes it.
    String[] words(String... more) {
        List<String> words = new ArrayList<>(List.of(
                "--model_paths=" + ShortPrompts.model(),
                "--dtype=float32",
                "--dataset_base_path=" + dataset(),
                "--dataset_metadata_path=" + metadata(),
                "--height=64",
                "--width=96",
                "--template_model_id_or_path=" + TestFiles.golden("template_train_start"),
                "--trainable_models=template_model",
                "--extra_inputs=template_inputs",
                "--remove_prefix_in_ckpt=pipe.template_model.",
                "--learning_rate=1e-3",
                "--seed=1",
                "--output_path=" + output()));
        for (String word : more) {
            words.removeIf(earlier -> earlier.startsWith(word.replaceFirst("=.*", "=")));
        }
        words.addAll(Arrays.asList(more));
        words.removeIf(word -> word.endsWith("="));
        words.addFirst("train");
        return words.toArray(String[]::new);
    }
}
