package io.stencil.flux2.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.flux2.files.KnownCheckpoint;
import io.stencil.flux2.files.ModelConfig;
import io.stencil.json.JsonFile;
import io.stencil.safetensors.KeyHash;
import io.stencil.testing.TestFiles;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

/// The published text encoders, built on the Meta device: every name and shape, and the key hash.
class Qwen3ManifestTest {

    @Test
    void the4BEncoderHasTheTensorsOfItsFile() {
        try (Qwen3Encoder encoder = new Qwen3Encoder(Qwen3Config.size4B())) {
            assertThat(encoder.shapes()).containsExactlyInAnyOrderEntriesOf(manifest("qwen3-4b.text_encoder.json"));
            String hash = KeyHash.ofShapes(encoder.shapes());
            assertThat(hash).isEqualTo("0f050f62a88876fea6eae0a18dac5a2e");
            assertThat(KnownCheckpoint.of(hash)).contains(KnownCheckpoint.QWEN3_4B);
            assertThat(KnownCheckpoint.QWEN3_4B.config())
                    .isEqualTo(new ModelConfig.TextEncoder(Qwen3Config.size4B(), PromptEncoding.KLEIN));
        }
    }

    @Test
    void the8BEncoderHasTheTensorsOfItsFileButTheHead() {
        try (Qwen3Encoder encoder = new Qwen3Encoder(Qwen3Config.size8B())) {
            assertThat(encoder.shapes()).containsExactlyInAnyOrderEntriesOf(manifest("qwen3-8b.text_encoder.json"));
            Map<String, long[]> file = new LinkedHashMap<>(encoder.shapes());
            file.put("lm_head.weight", new long[] {151936, 4096});
            String hash = KeyHash.ofShapes(file);
            assertThat(hash).isEqualTo("9195f3ea256fcd0ae6d929c203470754");
            assertThat(KnownCheckpoint.of(hash)).contains(KnownCheckpoint.QWEN3_8B);
            assertThat(KnownCheckpoint.QWEN3_8B.config())
                    .isEqualTo(new ModelConfig.TextEncoder(Qwen3Config.size8B(), PromptEncoding.KLEIN));
        }
    }

    @Test
    void anotherHashIsNoKnownCheckpoint() {
        assertThat(KnownCheckpoint.of("0".repeat(32))).isEmpty();
    }

    private static Map<String, long[]> manifest(String name) {
        Map<String, long[]> shapes = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> tensor :
                JsonFile.read(TestFiles.manifest(name)).properties()) {
            shapes.put(
                    tensor.getKey(),
                    StreamSupport.stream(tensor.getValue().spliterator(), false)
                            .mapToLong(JsonNode::longValue)
                            .toArray());
        }
        return shapes;
    }
}
