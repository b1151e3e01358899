package io.stencil.flux2.vae;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VaeConfigTest {

    @TempDir
    private Path folder;

    @Test
    void theTinyModel() {
        assertThat(VaeConfig.read(TinyVae.CONFIG)).isEqualTo(new VaeConfig(List.of(16, 16, 32, 32), 1, 32, 8, 1e-4));
    }

    @Test
    void thePublishedFile() throws IOException {
        Path file = write("""
                {"_class_name": "AutoencoderKLFlux2", "_diffusers_version": "0.37.0", "act_fn": "silu",
                 "batch_norm_eps": 0.0001, "batch_norm_momentum": 0.1, "block_out_channels": [128, 256, 512, 512],
                 "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D",
                    "DownEncoderBlock2D"],
                 "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"],
                 "force_upcast": true, "in_channels": 3, "latent_channels": 32, "layers_per_block": 2,
                 "mid_block_add_attention": true, "norm_num_groups": 32, "out_channels": 3, "patch_size": [2, 2],
                 "sample_size": 1024, "use_post_quant_conv": true, "use_quant_conv": true}
                """);
        assertThat(VaeConfig.read(file)).isEqualTo(VaeConfig.flux2());
        assertThat(VaeConfig.flux2().foldedChannels()).isEqualTo(128);
    }

    @Test
    void aDecoderOfOtherWidths() throws IOException {
        Path file = write("{\"decoder_block_out_channels\": [96, 192, 384, 384]}");
        assertThat(VaeConfig.read(file))
                .isEqualTo(new VaeConfig(List.of(128, 256, 512, 512), List.of(96, 192, 384, 384), 2, 32, 32, 1e-4));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "_class_name                | \"AutoencoderKL\"      | and only AutoencoderKLFlux2 is supported",
                "in_channels                | 4                      | and only 3 is supported",
                "out_channels               | 4                      | and only 3 is supported",
                "act_fn                     | \"gelu\"               | and only silu is supported",
                "use_quant_conv             | false                  | and only true is supported",
                "use_post_quant_conv        | false                  | and only true is supported",
                "mid_block_add_attention    | false                  | and only true is supported",
                "patch_size                 | [1, 1]                 | and only [2, 2] is supported",
                "decoder_block_out_channels | [96, 192, 384]         | must name 4 levels, found [96, 192, 384]",
                "decoder_block_out_channels | [96, 192, 380, 384]    | must be multiples of norm_num_groups 32",
                "down_block_types           | [\"AttnDownBlock2D\"]  | and only [DownEncoderBlock2D,",
                "block_out_channels         | [128, 256]             | must name 4 levels, found [128, 256]",
                "block_out_channels         | [100, 256, 512, 512]   | must be multiples of norm_num_groups 32",
                "block_out_channels         | 128                    | must be a list of whole numbers",
                "layers_per_block           | 0                      | must be at least 1, found 0, 32 and 32",
                "batch_norm_eps             | -1                     | batch_norm_eps must not be negative",
            })
    void aValueThatIsNotSupportedIsAnErrorNamingTheField(String field, String value, String message)
            throws IOException {
        Path file = write("{\"%s\": %s}".formatted(field, value));
        assertThatThrownBy(() -> VaeConfig.read(file))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(file.toString())
                .hasMessageContaining(field)
                .hasMessageContaining(message);
    }

    private Path write(String json) throws IOException {
        return Files.writeString(folder.resolve("config.json"), json);
    }
}
