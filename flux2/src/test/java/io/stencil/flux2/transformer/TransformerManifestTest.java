package io.stencil.flux2.transformer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.flux2.files.KnownCheckpoint;
import io.stencil.flux2.files.ModelConfig;
import io.stencil.json.JsonFile;
import io.stencil.nn.Linear;
import io.stencil.safetensors.KeyHash;
import io.stencil.testing.ResidentMemory;
import io.stencil.testing.TestFiles;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The published sizes, built without memory and compared with their checkpoints' tensors.
class TransformerManifestTest {

    private static final long WITHOUT_MEMORY = 50L << 20;

    private static Map<String, String> manifest(String name) {
        Map<String, String> shapes = new TreeMap<>();
        JsonNode root = JsonFile.read(TestFiles.manifest(name + ".transformer.json"));
        root.properties().forEach(entry -> {
            long[] shape = new long[entry.getValue().size()];
            Arrays.setAll(shape, i -> entry.getValue().get(i).longValue());
            shapes.put(entry.getKey(), Arrays.toString(shape));
        });
        return shapes;
    }

    private static TransformerConfig config(String name) {
        return switch (name) {
            case "flux2-klein-4b" -> TransformerConfig.klein4b();
            case "flux2-klein-9b" -> TransformerConfig.klein9b();
            case "flux2-dev" -> TransformerConfig.dev();
            default -> throw new IllegalArgumentException(name);
        };
    }

    @ParameterizedTest
    @CsvSource({
        "flux2-klein-4b, 3bde7b817fec8143028b6825a63180df, 3.876e9",
        "flux2-klein-9b, 39c6fc48f07bebecedbbaa971ff466c8, 9.079e9",
        "flux2-dev, d38e1d5c5aec3b0a11e79327ac6e3b0f, 32.22e9"
    })
    void hasTheTensorsOfItsCheckpoint(String name, String keyHash, double parameters) {
        TinyTransformer.config(); // libtorch is loaded before memory is measured
        try (Flux2Transformer warmUp = new Flux2Transformer(TinyTransformer.config())) {
            assertThat(warmUp.parameterCount()).isPositive();
        }
        long before = ResidentMemory.bytes();
        try (Flux2Transformer transformer = new Flux2Transformer(config(name))) {
            assertThat(ResidentMemory.bytes() - before).isLessThan(WITHOUT_MEMORY);

            Map<String, String> shapes = new TreeMap<>();
            transformer.shapes().forEach((tensor, shape) -> shapes.put(tensor, Arrays.toString(shape)));
            assertThat(shapes).isEqualTo(manifest(name));
            assertThat(transformer.modules().get("transformer_blocks.1.attn.to_out.0"))
                    .isInstanceOf(Linear.class);
            assertThat(KeyHash.ofShapes(transformer.shapes())).isEqualTo(keyHash);
            assertThat((double) transformer.parameterCount()).isCloseTo(parameters, within(parameters * 5e-4));
        }
        assertThat(KnownCheckpoint.of(keyHash).map(KnownCheckpoint::config))
                .contains(new ModelConfig.Transformer(config(name)));
    }
}
