package io.stencil.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Files that the Python library wrote: the goldens and the tiny model.
class SafetensorsGoldenTest {

    private static final Path ROOT = Path.of(System.getProperty("stencil.root"));

    @TempDir
    Path folder;

    static Stream<Path> files() throws IOException {
        List<Path> found;
        try (Stream<Path> golden = Files.walk(ROOT.resolve("testdata/golden"));
                Stream<Path> model = Files.walk(ROOT.resolve("models/tiny-flux2"))) {
            found = Stream.concat(golden, model)
                    .filter(path -> path.toString().endsWith(".safetensors"))
                    .toList();
        }
        assertThat(found).hasSizeGreaterThanOrEqualTo(13);
        return found.stream();
    }

    /// The library writes metadata in an order that varies from run to run; everything else repeats.
    @ParameterizedTest
    @MethodSource("files")
    void writing_what_was_read_gives_the_same_bytes(Path original) throws IOException {
        Path copy = folder.resolve("copy.safetensors");
        Map<String, String> metadata;
        try (SafetensorsFile file = SafetensorsFile.open(original)) {
            metadata = file.metadata();
            SafetensorsWriter.write(
                    copy,
                    file.entries().values().stream()
                            .map(entry -> new TensorSpec(entry.name(), (SafetensorsDtype) entry.dtype(), entry.shape()))
                            .toList(),
                    (tensor, sink) -> sink.accept(file.segment(tensor.name())),
                    metadata);
        }
        byte[] expected = Files.readAllBytes(original);
        if (!List.copyOf(metadata.keySet()).equals(List.copyOf(new TreeMap<>(metadata).keySet()))) {
            sortMetadata(expected, metadata);
        }
        assertThat(Files.readAllBytes(copy)).isEqualTo(expected);
    }

    private static void sortMetadata(byte[] file, Map<String, String> metadata) throws IOException {
        ObjectMapper json = new ObjectMapper();
        String start = "{\"__metadata__\":";
        byte[] before = (start + json.writeValueAsString(metadata)).getBytes(StandardCharsets.UTF_8);
        byte[] after = (start + json.writeValueAsString(new TreeMap<>(metadata))).getBytes(StandardCharsets.UTF_8);
        assertThat(Arrays.copyOfRange(file, Long.BYTES, Long.BYTES + before.length))
                .isEqualTo(before);
        System.arraycopy(after, 0, file, Long.BYTES, after.length);
    }

    @Test
    void values_are_those_of_the_golden() {
        try (SafetensorsFile file = SafetensorsFile.open(ROOT.resolve("testdata/golden/vae_io.safetensors"))) {
            TensorEntry decoded = file.entry("decoded");
            assertThat(decoded.dtype()).isEqualTo(SafetensorsDtype.F32);
            float[] values = file.segment("decoded").toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
            assertThat(values).hasSize((int) decoded.elementCount());
            for (float value : values) {
                assertThat(value).isBetween(-10f, 10f);
            }
        }
    }

    @Test
    void the_tiny_model_opens_by_folder() {
        Path model = ROOT.resolve("models/tiny-flux2");
        try (Checkpoint transformer = Checkpoint.open(model.resolve("transformer"));
                Checkpoint vae = Checkpoint.open(model.resolve("vae"));
                Checkpoint textEncoder = Checkpoint.open(model.resolve("text_encoder"))) {
            assertThat(transformer.entries()).hasSize(53).containsKey("context_embedder.weight");
            assertThat(vae.entry("bn.num_batches_tracked").dtype()).isEqualTo(SafetensorsDtype.I64);
            assertThat(textEncoder.entries()).hasSize(310);
            assertThat(textEncoder.metadata()).isEqualTo(Map.of("format", "pt"));
        }
    }
}
