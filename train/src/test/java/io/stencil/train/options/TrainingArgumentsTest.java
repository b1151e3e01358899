package io.stencil.train.options;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a model card lists of a training.
class TrainingArgumentsTest {

    @TempDir
    private Path run;

    @ParameterizedTest
    @ValueSource(strings = {"epoch-0.safetensors", "checkpoints/step-8.safetensors"})
    void optionsThatDifferFromTheirDefaultsAreListedWithoutPaths(String checkpoint) throws IOException {
        Files.writeString(run.resolve("training_args.json"), """
                {"options": {"learning_rate": 0.001, "weight_decay": 0.01, "lr_scheduler": "constant", "dtype": "bfloat16",
                "device": "cpu", "cache_encodings": true, "dataset_shuffle": true, "max_pixels": 1048576, "output_path": "home",
                "note": "/home/me", "dataset_base_path": "home", "model_paths": ["home"], "tokenizer_path": "home",
                "fp8_models": ["vae", "dit"], "extra": {"a": 1}, "places": ["/home/me"], "trainable_models": "template_model"}}""");

        assertThat(TrainingArguments.changed(run.resolve(checkpoint)))
                .containsOnlyKeys("learning_rate", "cache_encodings", "fp8_models", "extra", "trainable_models")
                .containsEntry("learning_rate", "0.001")
                .containsEntry("fp8_models", "[\"vae\",\"dit\"]")
                .containsEntry("extra", "{\"a\":1}");
    }

    @Test
    void aCheckpointWithoutItsRunHasNone() {
        assertThat(TrainingArguments.changed(run.resolve("a/b/c.safetensors"))).isEmpty();
    }
}
