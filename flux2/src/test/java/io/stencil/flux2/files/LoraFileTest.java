package io.stencil.flux2.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.nn.LoraPair;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Scales and refusals of LoRA files. Every value of lora_B is 1, so that those of the pair are the update's scale.
class LoraFileTest {

    private static final int RANK = 4;
    private static final String TO_Q = "transformer_blocks.0.attn.to_q";
    private static final String TO_OUT = "single_transformer_blocks.0.attn.to_out";

    private final Scope scope = new Scope();
    private final Flux2Transformer model =
            new Flux2Transformer(TransformerConfig.read(TestFiles.tinyModel("transformer/config.json")));
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    @TempDir
    private Path folder;

    @BeforeEach
    void fill() {
        for (String layer : List.of(TO_Q, TO_OUT)) {
            long[] weight = Objects.requireNonNull(model.shapes().get(layer + ".weight"));
            tensors.put("transformer." + layer + ".lora_A.weight", full(1, RANK, weight[1]));
            tensors.put("transformer." + layer + ".lora_B.weight", full(1, weight[0], RANK));
        }
    }

    @AfterEach
    void free() {
        model.close();
        scope.close();
    }

    private static Tensor full(double value, long... shape) {
        return Tensors.full(value, DType.FLOAT32, Device.CPU, shape);
    }

    private Path write(String name, Map<String, String> metadata) {
        Path file = folder.resolve(name);
        try {
            TensorFiles.write(file, tensors, metadata);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return file;
    }

    private LoraFile read(Path path, double strength) {
        return LoraFile.read(path, model, strength, DType.FLOAT32, Device.CPU);
    }

    /// Scale of the updates of `TO_Q` and `TO_OUT`.
    private List<Float> scales(Path path, double strength) {
        Map<String, LoraPair> pairs = read(path, strength).lora().pairs();
        return List.of(scale(pairs, TO_Q), scale(pairs, TO_OUT));
    }

    private static float scale(Map<String, LoraPair> pairs, String layer) {
        LoraPair pair = Objects.requireNonNull(pairs.get(layer));
        float[] values = Tensors.toFloats(pair.b());
        assertThat(Tensors.toFloats(pair.a())).containsOnly(1);
        float[] same = new float[values.length];
        Arrays.fill(same, values[0]);
        assertThat(values).isEqualTo(same);
        return values[0];
    }

    private static Map<String, String> adapterMetadata(String json) {
        return Map.of("format", "pt", "lora_adapter_metadata", json);
    }

    @Test
    void withoutAScaleItIsOne() {
        assertThat(scales(write("lora.safetensors", Map.of()), 0.5)).containsExactly(0.5f, 0.5f);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"transformer.r": 4, "transformer.lora_alpha": 8, "transformer.use_dora": false} | 2 | 2
            {"r": 4, "lora_alpha": 8}                                                        | 2 | 2
            {"r": 4, "lora_alpha": 8, "use_rslora": true}                                    | 4 | 4
            {"lora_alpha": 2}                                                                | 0.5 | 0.5
            {"transformer.r": 4, "transformer.lora_alpha": 0.5, "text_encoder.lora_alpha": 9} | 0.125 | 0.125
            {"text_encoder.r": 4, "text_encoder.lora_alpha": 9}                              | 1 | 1
            {"r": 4, "lora_alpha": 8, "alpha_pattern": {"to_q": 2}}                          | 0.5 | 2
            {"r": 4, "lora_alpha": 8, "alpha_pattern": {"o_q": 2, "attn.to_out": 16}}        | 2 | 4
            {"r": 4, "lora_alpha": 8, "alpha_pattern": {"to_.*": 2, "to_q": 16}}             | 0.5 | 0.5
            {"r": 4, "lora_alpha": 8, "alpha_pattern": {"^single.*to_out": 1}}               | 2 | 0.25
            {"r": 8, "lora_alpha": 8, "rank_pattern": {"to_[oq].*": 4}}                      | 2 | 2
            {"transformer.r": 8, "transformer.lora_alpha": 4, "transformer.rank_pattern": {"to_.*": 4}} | 1 | 1
            """)
    void adapterMetadataGiveTheScale(String json, float toQ, float toOut) {
        Path file = write("lora.safetensors", adapterMetadata(json));

        assertThat(scales(file, 1)).containsExactly(toQ, toOut);
        assertThat(scales(file, -0.5)).containsExactly(-0.5f * toQ, -0.5f * toOut);
    }

    @Test
    void metadataOfTheirOwnGiveTheScale() {
        assertThat(scales(write("a.safetensors", Map.of("lora_alpha", "8", "r", "4")), 1))
                .containsExactly(2f, 2f);
        assertThat(scales(write("b.safetensors", Map.of("lora_alpha", "8.0", "use_rslora", "True")), 1))
                .containsExactly(4f, 4f);
    }

    /// The tools that write these read the tensors `.alpha` alone.
    @Test
    void whatOtherToolsOnlyNoteIsNoScale() {
        Path file = write("lora.safetensors", Map.of("ss_network_alpha", "1", "ss_network_dim", "4"));

        assertThat(scales(file, 1)).containsExactly(1f, 1f);
    }

    @Test
    void anAlphaTensorWinsOverMetadata() {
        tensors.put("transformer." + TO_Q + ".alpha", full(1));

        assertThat(scales(write("lora.safetensors", adapterMetadata("{\"r\": 4, \"lora_alpha\": 8}")), 1))
                .containsExactly(0.25f, 2f);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"r": 4,                                    | 'lora_adapter_metadata': is not JSON:
            []                                          | must be an object with lora_alpha and r, found []
            {"r": 0, "lora_alpha": 8}                   | 'r': must be a whole number of at least 1, found 0
            {"r": 4.5, "lora_alpha": 8}                 | 'r': must be a whole number of at least 1, found 4.5
            {"r": "4", "lora_alpha": 8}                 | 'r': must be a whole number of at least 1, found "4"
            {"r": 4, "lora_alpha": NaN}                 | 'lora_alpha': must be a finite number, found NaN
            {"r": 4, "lora_alpha": 1e999}               | 'lora_alpha': must be a finite number
            {"r": 4}                                    | 'lora_alpha': is missing
            {"transformer.r": 4}                        | 'transformer.lora_alpha': is missing
            {"r": 8, "lora_alpha": 8}                   | 'r': is 8 for
            {"r": 4, "lora_alpha": 8, "alpha_pattern": {"to_(": 1}} | 'alpha_pattern': 'to_(' is not a regular expression
            {"r": 4, "lora_alpha": 8, "alpha_pattern": [1]}         | 'alpha_pattern': must be an object
            {"r": 4, "lora_alpha": 8, "rank_pattern": {"to_q": 0}}  | 'rank_pattern.to_q': must be a whole number
            {"r": 4, "lora_alpha": 8, "use_rslora": 1}  | 'use_rslora': must be true or false, found 1
            {"r": 4, "lora_alpha": 8, "use_dora": true} | 'use_dora': is true, but no layer has a lora_magnitude_vector
            {"r": 4, "lora_alpha": 8, "peft_type": "LOKR"}          | 'peft_type': is LOKR, and only LORA is supported
            {"r": 4, "lora_alpha": 8, "init_lora_weights": "pissa_niter_4"} | 'init_lora_weights': is pissa_niter_4
            """)
    void metadataThatGiveNoScaleAreRefused(String json, String message) {
        Path file = write("lora.safetensors", adapterMetadata(json));

        assertThatThrownBy(() -> read(file, 1))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(file + ": ")
                .hasMessageContaining(message);
    }

    @Test
    void flatMetadataThatAreNoNumbersAreRefused() {
        Path file = write("lora.safetensors", Map.of("lora_alpha", "NaN", "r", "4"));

        assertThatThrownBy(() -> read(file, 1))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(file + ": 'lora_alpha': must be a finite number, found NaN");
    }

    private void writeConfig(String json) throws IOException {
        Files.writeString(folder.resolve("adapter_config.json"), json);
    }

    @Test
    void aPeftFolderGivesItsScale() throws IOException {
        Map<String, Tensor> renamed = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> renamed.put(name.replaceFirst("^transformer", "base_model.model"), tensor));
        tensors.clear();
        tensors.putAll(renamed);
        Path file = write("adapter_model.safetensors", Map.of("format", "pt"));
        assertThatThrownBy(() -> read(file, 1))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("has no adapter_config.json beside it");

        writeConfig("{\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": 16, \"alpha_pattern\": {\"to_out\": 2},"
                + " \"rank_pattern\": {}, \"use_rslora\": false, \"use_dora\": false, \"layer_replication\": null}");
        assertThat(scales(folder, 1)).containsExactly(4f, 0.5f);
        assertThat(scales(file, 0.5)).containsExactly(2f, 0.25f);

        writeConfig("{\"r\": 4");
        assertThatThrownBy(() -> read(folder, 1))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("adapter_config.json");
    }

    @Test
    void aFolderWithoutAnAdapterIsRefused() throws IOException {
        Files.writeString(folder.resolve("adapter_model.bin"), "");
        assertThatThrownBy(() -> read(folder, 1))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(folder + ": holds no adapter_model.safetensors; name a safetensors file, or a directory "
                        + "that PEFT wrote; its adapter_model.bin is a pickle, which is not read");
    }

    @ParameterizedTest
    @CsvSource({
        ".lora_B.bias, biases of LoRA matrices",
        ".lora_B.default.bias, biases of LoRA matrices",
        ".diff, differences of whole weights or biases",
        ".diff_b, differences of whole weights or biases",
        ".w_norm, differences of whole weights or biases",
        ".hada_w3_a, LoHa factors",
        ".lokr_w3_b, LoKr factors",
        ".lokr_t2, a Tucker core",
        ".hada_t1, a Tucker core",
        ".lora_mid.weight, a Tucker core",
        ".oft_blocks, OFT rotations",
        ".oft_R.weight, OFT rotations",
        ".lora_embedding_A, low-rank updates of an embedding"
    })
    void partsOfOtherAdaptersAreRefusedByName(String ending, String kind) {
        String name = "transformer." + TO_Q + ending;
        tensors.put(name, full(1, 2));
        Path file = write("lora.safetensors", Map.of());

        assertThatThrownBy(() -> read(file, 1))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith("%s: '%s': is of a kind that is not supported: %s".formatted(file, name, kind));
    }

    /// As PEFT's `modules_to_save` and bundled embeddings are.
    @Test
    void tensorsThatAreNoPartOfALoraAreRefused() {
        tensors.put("base_model.model.x_embedder.weight", full(1, 2, 2));
        Path file = write("lora.safetensors", Map.of());

        assertThatThrownBy(() -> read(file, 1))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(file + ": holds 1 tensors that are not part of a LoRA and would be left out: "
                        + "base_model.model.x_embedder.weight; save it with lora_A and lora_B alone");
    }

    @Test
    void anotherModelsLayersAreReported() {
        String layer = "text_encoder.model.layers.0.self_attn.q_proj";
        tensors.put(layer + ".lora_A.weight", full(1, RANK, 8));
        tensors.put(layer + ".lora_B.weight", full(1, 8, RANK));

        assertThat(read(write("lora.safetensors", Map.of()), 1).unmatched()).containsExactly(layer);
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void valuesThatAreNotFiniteAreRefused(float value) {
        for (String part : List.of("lora_A", "lora_B")) {
            String name = "transformer." + TO_OUT + "." + part + ".weight";
            Tensor good = Objects.requireNonNull(tensors.get(name));
            float[] values = Tensors.toFloats(good);
            values[values.length - 1] = value;
            tensors.put(name, Tensors.of(values, Tensors.shape(good)));
            Path file = write("lora.safetensors", Map.of());

            assertThatThrownBy(() -> read(file, 1))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessageStartingWith("%s: '%s': holds values that are not finite".formatted(file, name));
            tensors.put(name, good);
        }
    }

    @Test
    void aScaleBeyondFloat32IsRefused() {
        Path file = write("lora.safetensors", adapterMetadata("{\"r\": 4, \"lora_alpha\": 1e300}"));

        assertThatThrownBy(() -> read(file, 1))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("lora_B.weight': is beyond the range of numbers after scaling by 2.5E299");
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, -1e300, 1e30})
    void strengthsThatAreNoFactorsAreRefused(double strength) {
        Path file = write("lora.safetensors", Map.of());

        assertThatThrownBy(() -> read(file, strength))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'lora_alpha': must be a number from -1000000 to 1000000, found " + strength);
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"COMPLEX64", "INT8", "UINT8", "INT64", "BOOL"})
    void aMatrixThatIsNotFloatingPointIsRefused(DType dtype) {
        for (String matrix : List.of("lora_A", "lora_B")) {
            String name = "transformer." + TO_Q + "." + matrix + ".weight";
            Tensor float32 = Objects.requireNonNull(tensors.get(name));
            tensors.put(name, dtype.cast(float32));
            Path file = write("lora.safetensors", Map.of());
            assertThatThrownBy(() -> read(file, 1))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessage(
                            "%s: '%s': is of dtype %s, and a matrix must be floating-point; quantized LoRAs are not supported, use an unquantized one",
                            file, name, dtype.text());
            tensors.put(name, float32);
        }
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void alphaIsANumberOfAnyDtype(DType dtype) {
        String name = TO_Q + ".alpha";
        tensors.put(name, dtype.cast(full(2)));
        Path file = write("lora.safetensors", Map.of());
        if (dtype == DType.COMPLEX64 || dtype == DType.BOOL) {
            assertThatThrownBy(() -> read(file, 1))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessage("%s: '%s': must be a number, found a value of dtype %s", file, name, dtype.text());
        } else {
            assertThat(scales(file, 1)).containsExactly(0.5f, 1f);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"transformer": {"r": 4, "lora_alpha": 8}} | transformer
            {"diffusion_model.r": 4}                   | diffusion_model.r
            {"default": {"lora_alpha": 8}}             | default
            """)
    void aScaleInAnUnknownPlaceIsRefused(String json, String field) {
        Path file = write("lora.safetensors", adapterMetadata(json));
        assertThatThrownBy(() -> read(file, 1))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(
                        "%s: 'lora_adapter_metadata': gives a scale as '%s', expected transformer.lora_alpha and transformer.r, or lora_alpha and r; rename the fields",
                        file, field);
    }
}
