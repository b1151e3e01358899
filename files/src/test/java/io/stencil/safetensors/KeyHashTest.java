package io.stencil.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KeyHashTest {

    private static Map<String, long[]> manifest(String name) throws IOException {
        Path file = Path.of(System.getProperty("stencil.root"), "testdata", "manifests", name + ".json");
        return new ObjectMapper().readValue(file.toFile(), new TypeReference<>() {});
    }

    @ParameterizedTest
    @CsvSource({
        "flux2-klein-4b.transformer, 3bde7b817fec8143028b6825a63180df",
        "flux2-klein-9b.transformer, 39c6fc48f07bebecedbbaa971ff466c8",
        "flux2-dev.transformer, d38e1d5c5aec3b0a11e79327ac6e3b0f",
        "flux2.vae, c54288e3ee12ca215898840682337b95",
        "qwen3-4b.text_encoder, 0f050f62a88876fea6eae0a18dac5a2e",
    })
    void published_checkpoints(String manifest, String hash) throws IOException {
        assertThat(KeyHash.ofShapes(manifest(manifest))).isEqualTo(hash);
    }

    /// The manifest lists what the encoder uses; the published file has the output head too.
    @Test
    void the_larger_text_encoder_has_its_head() throws IOException {
        Map<String, long[]> shapes = manifest("qwen3-8b.text_encoder");
        shapes.put("lm_head.weight", new long[] {151936, 4096});
        assertThat(KeyHash.ofShapes(shapes)).isEqualTo("9195f3ea256fcd0ae6d929c203470754");
    }

    @Test
    void nothing_hashes_as_the_empty_text() {
        assertThat(KeyHash.ofShapes(Map.of())).isEqualTo("d41d8cd98f00b204e9800998ecf8427e");
    }
}
