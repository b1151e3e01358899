package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.pipeline.models.ModelFiles;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TestFiles;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Training a Template on a frozen base whose files have the names of other software.
class FileLayoutTrainingTest {

    @TempDir
    Path folder;

    private static List<Double> losses(TrainOptions.Builder options) {
        Recorder recorder = new Recorder();
        new Trainer().run(options.epochs(2).build(), recorder);
        return recorder.losses();
    }

    @Test
    void lossesAreThoseOfDiffusersFiles() throws IOException {
        Path data = Files.createDirectory(folder.resolve("data"));
        TinyDataset dataset = TinyDataset.paint(data, 2);
        ModelFiles base = new ModelFiles(
                List.of(
                        List.of(TestFiles.golden("formats/transformer/bfl.safetensors")),
                        List.of(TestFiles.golden("formats/vae/bfl.safetensors")),
                        List.of(ShortPrompts.model().resolve("text_encoder"))),
                TestFiles.tinyModel("tokenizer"));

        List<Double> bfl =
                losses(TinyDataset.options(base, data, data.resolve("metadata.jsonl"), folder.resolve("bfl")));

        assertThat(bfl).hasSize(4).isEqualTo(losses(dataset.options(folder.resolve("diffusers"))));
    }
}
