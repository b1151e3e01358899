package io.stencil.flux2.transformer;

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

class TransformerConfigTest {

    private static final String KLEIN_4B = """
            {"_class_name": "Flux2Transformer2DModel", "num_layers": 5, "num_single_layers": 20,
             "num_attention_heads": 24, "attention_head_dim": 128, "joint_attention_dim": 7680, "in_channels": 128,
             "out_channels": null, "patch_size": 1, "timestep_guidance_channels": 256, "mlp_ratio": 3.0,
             "axes_dims_rope": [32, 32, 32, 32], "rope_theta": 2000, "eps": 1e-6, "guidance_embeds": false,
             "a_field_of_tomorrow": "ignored"}
            """;

    @TempDir
    Path folder;

    private Path write(String json) throws IOException {
        return Files.writeString(folder.resolve("config.json"), json);
    }

    @Test
    void readsThePublishedConfig() throws IOException {
        assertThat(TransformerConfig.read(write(KLEIN_4B))).isEqualTo(TransformerConfig.klein4b());
    }

    /// The config of FLUX.2-dev is older than the guidance flag.
    @Test
    void aModelTakesGuidanceUnlessItSaysOtherwise() throws IOException {
        String json = KLEIN_4B.replace("\"guidance_embeds\": false,", "");
        assertThat(TransformerConfig.read(write(json)).guidanceEmbeds()).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"patch_size\": 1 | \"patch_size\": 2 | 'patch_size': is 2, and only 1 is supported",
                "\"out_channels\": null | \"out_channels\": 64 | 'out_channels': is 64, and only 128 is supported",
                "Flux2Transformer2DModel | FluxTransformer2DModel | and only Flux2Transformer2DModel is supported",
                "\"num_layers\": 5 | \"num_layers\": \"5\" | 'num_layers': must be a whole number, found \"5\"",
                "\"num_layers\": 5, | '' | 'num_layers': is missing; expected a whole number",
                "[32, 32, 32, 32] | [32, 32, 32] | axes_dims_rope must be four even numbers above 0, found [32, 32, 32]",
                "[32, 32, 32, 32] | [32, 32, 32, 16] | sums to 112, but attention_head_dim is 128",
                "\"eps\": 1e-6 | \"eps\": 0 | eps must be above 0, found 0.0",
                "\"timestep_guidance_channels\": 256 | \"timestep_guidance_channels\": 255 | must be even and above 0"
            })
    void anUnsupportedValueIsAnError(String text, String replacement, String message) throws IOException {
        assertThat(KLEIN_4B).contains(text);
        Path file = write(KLEIN_4B.replace(text, replacement));
        assertThatThrownBy(() -> TransformerConfig.read(file))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(file.toString())
                .hasMessageContaining(message);
    }
}
