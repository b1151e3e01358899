package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.pipeline.models.ModelFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DistillationCheckTest {

    @TempDir
    Path model;

    private ModelFiles files(String index) throws IOException {
        Files.createDirectories(model.resolve("transformer"));
        Files.writeString(model.resolve("model_index.json"), index);
        return new ModelFiles(List.of(List.of(model.resolve("transformer/model.safetensors"))), null);
    }

    @Test
    void aDistilledModelIsWarnedOf() throws IOException {
        assertThat(TrainModels.distillationWarning(files("{\"is_distilled\": true}")))
                .hasValueSatisfying(text -> assertThat(text).contains("model_index.json says", "distilled"));
    }

    @Test
    void aBaseModelIsNot() throws IOException {
        assertThat(TrainModels.distillationWarning(files("{\"_class_name\": \"Flux2KleinPipeline\"}")))
                .isEmpty();
        assertThat(TrainModels.distillationWarning(TinyTraining.base())).isEmpty();
    }
}
