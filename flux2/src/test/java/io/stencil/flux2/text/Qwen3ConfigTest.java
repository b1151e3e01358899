package io.stencil.flux2.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Qwen3ConfigTest {

    /// The published file of FLUX.2-klein-4B in its newer form, some fields that nobody reads among them.
    private static final String PUBLISHED = """
            {
              "architectures": ["Qwen3ForCausalLM"],
              "attention_bias": false,
              "attention_dropout": 0.0,
              "dtype": "bfloat16",
              "head_dim": 128,
              "hidden_act": "silu",
              "hidden_size": 2560,
              "intermediate_size": 9728,
              "max_window_layers": 36,
              "model_type": "qwen3",
              "num_attention_heads": 32,
              "num_hidden_layers": 36,
              "num_key_value_heads": 8,
              "rms_norm_eps": 1e-06,
              "rope_scaling": null,
              "rope_parameters": {"rope_theta": 1000000, "rope_type": "default"},
              "sliding_window": null,
              "tie_word_embeddings": true,
              "use_sliding_window": false,
              "vocab_size": 151936
            }
            """;

    private static final String ROPE = "\"rope_parameters\": {\"rope_theta\": 1000000, \"rope_type\": \"default\"}";

    @TempDir
    private Path folder;

    @Test
    void theTinyModelsFileIsRead() {
        assertThat(TinyTextEncoder.config()).isEqualTo(new Qwen3Config(64, 128, 28, 4, 2, 16, 1280, 1e-6, 1_000_000));
    }

    @Test
    void ropeThetaMayBeNestedOrAtTheTop() throws IOException {
        assertThat(read(PUBLISHED)).isEqualTo(Qwen3Config.size4B());
        assertThat(read(PUBLISHED.replace(ROPE, "\"rope_theta\": 1000000"))).isEqualTo(Qwen3Config.size4B());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"attention_bias\": false | \"attention_bias\": true | 'attention_bias': is true",
                "\"silu\" | \"gelu\" | 'hidden_act': is \"gelu\", and only silu is supported",
                "\"use_sliding_window\": false | \"use_sliding_window\": true | 'use_sliding_window': is true",
                "\"rope_scaling\": null | \"rope_scaling\": {\"factor\": 4.0} | 'rope_scaling': is set",
                "\"rope_type\": \"default\" | \"rope_type\": \"yarn\" | 'rope_parameters.rope_type': is 'yarn'",
                "\"rope_theta\" | \"theta\" | 'rope_theta': is missing",
                "\"tie_word | \"rope_theta\": 10000, \"tie_word | 'rope_theta': is 10000.0, but",
                "\"model_type\": \"qwen3\" | \"model_type\": \"mistral\" | 'model_type': is \"mistral\"",
                "\"num_key_value_heads\": 8 | \"num_key_value_heads\": 5 | is not a multiple of num_key_value_heads 5",
                "\"num_key_value_heads\": 8 | \"num_key_value_heads\": 0 | num_key_value_heads must be positive",
                "\"head_dim\": 128 | \"head_dim\": 127 | head_dim 127 is odd",
                "\"hidden_size\": 2560 | \"hidden_size\": \"2560\" | 'hidden_size': must be a whole number",
                "\"vocab_size\" | \"vocabulary\" | 'vocab_size': is missing",
            })
    void whatIsNotSupportedIsNamed(String text, String replacement, String message) {
        assertThat(PUBLISHED).contains(text);
        assertThatThrownBy(() -> read(PUBLISHED.replace(text, replacement)))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("config.json")
                .hasMessageContaining(message);
    }

    private Qwen3Config read(String json) throws IOException {
        return Qwen3Config.read(Files.writeString(folder.resolve("config.json"), json));
    }
}
