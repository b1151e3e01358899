package io.stencil.train.encodings;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TestFiles;
import io.stencil.train.options.DataOptions.ExtraInput;
import io.stencil.train.options.TrainOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CacheOriginTest {

    /// Hash of the published models' `tokenizer.json`: a copy of it is the same tokenizer.
    private static final String QWEN3 = "aeb13307a71acd8fe81861d94ad54ab689df773318809eed3cbe794b4492dae4";

    @TempDir
    Path folder;

    @Test
    void theBuiltInTokenizerIsPartOfTheOrigin() {
        ModelFiles files = new ModelFiles(
                Stream.of("transformer", "vae", "text_encoder")
                        .map(name -> List.of(TestFiles.tinyModel(name)))
                        .toList(),
                null);
        TrainOptions options = TrainOptions.builder(
                        files, folder, folder.resolve("metadata.jsonl"), folder.resolve("out"))
                .template(TestFiles.golden("template_train_start"))
                .trainable(List.of("template_model"))
                .extraInputs(Set.of(ExtraInput.TEMPLATE_INPUTS))
                .build();
        try (Flux2Pipeline pipeline = Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), LoadOptions.DEFAULT)) {
            CacheOrigin origin = CacheOrigin.ofTraining(options, pipeline.models(), null);
            assertThat(origin.json().path("tokenizer_sha256").asText()).isEqualTo(QWEN3);
        }
    }
}
