package io.stencil.flux2.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.nn.LoraPair;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// LoRAs there and back, byte for byte, and the same updates between.
class LoraConverterTest {

    @TempDir
    private Path folder;

    private static Path golden(String name) {
        return TestFiles.golden("formats/lora/" + name + ".safetensors");
    }

    private Path converted(Path in, String out, @Nullable LoraFormat format) throws IOException {
        Path file = folder.resolve(out);
        LoraConverter.convert(in, file, format, null);
        return file;
    }

    private static void assertSame(Path result, Path expected) {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> one = TensorFiles.read(result);
            Map<String, Tensor> other = TensorFiles.read(expected);
            assertThat(one.keySet()).isEqualTo(other.keySet());
            one.forEach((name, tensor) -> {
                Tensor same = Objects.requireNonNull(other.get(name));
                assertThat(Tensors.shape(tensor)).as(name).isEqualTo(Tensors.shape(same));
                assertThat(DType.of(tensor)).as(name).isEqualTo(DType.of(same));
                assertThat(Tensors.rawBytes(tensor)).as(name).isEqualTo(Tensors.rawBytes(same));
            });
        }
    }

    /// What files do to the layers of the tiny transformer: their updates as matrices.
    private static Map<String, Tensor> updates(Path file) {
        TransformerConfig config = TransformerConfig.read(TestFiles.tinyModel("transformer/config.json"));
        Map<String, Tensor> updates = new LinkedHashMap<>();
        try (Flux2Transformer transformer = new Flux2Transformer(config)) {
            LoraFile read = LoraFile.read(file, transformer, 1, DType.FLOAT32, Device.CPU);
            assertThat(read.unmatched()).isEmpty();
            read.lora()
                    .updates()
                    .forEach((name, update) -> updates.put(
                            name,
                            update.getFirst() instanceof LoraPair(Tensor a, Tensor b)
                                    ? b.matmul(a)
                                    : Tensors.zeros(DType.FLOAT32, Device.CPU, 1)));
        }
        return updates;
    }

    @Test
    void lorasAreByteEqualThereAndBack() throws IOException {
        Path diffusers = golden("diffusers");
        Path comfyUi = converted(diffusers, "comfyui.safetensors", LoraFormat.COMFYUI);
        Path kohya = converted(comfyUi, "kohya.safetensors", LoraFormat.KOHYA);
        Path peft = converted(kohya, "peft", null);
        assertSame(converted(peft, "back.safetensors", LoraFormat.DIFFUSERS), diffusers);
        Path split = converted(golden("ai_toolkit"), "split.safetensors", LoraFormat.DIFFUSERS);
        assertSame(converted(split, "ai_toolkit.safetensors", LoraFormat.COMFYUI), golden("ai_toolkit"));
    }

    @Test
    void dorasAreByteEqualThereAndBack() throws IOException {
        Path peft = golden("dora_peft");
        Path kohya = converted(peft, "kohya.safetensors", LoraFormat.KOHYA);
        assertSame(converted(kohya, "back.safetensors", LoraFormat.DIFFUSERS), peft);
        Path diffusers = converted(golden("dora_kohya"), "diffusers.safetensors", LoraFormat.DIFFUSERS);
        assertSame(converted(diffusers, "kohya2.safetensors", LoraFormat.KOHYA), golden("dora_kohya"));
    }

    @Test
    void updatesStayTheSame() throws IOException {
        Path kohya = converted(golden("ai_toolkit"), "kohya.safetensors", LoraFormat.KOHYA);
        Path peft = converted(kohya, "peft", null);
        try (Scope _ = new Scope()) {
            Map<String, Tensor> expected = updates(golden("ai_toolkit"));
            for (Path file : new Path[] {kohya, peft}) {
                Map<String, Tensor> found = updates(file);
                assertThat(found.keySet()).isEqualTo(expected.keySet());
                found.forEach((name, update) ->
                        assertThat(update.allclose(expected.get(name))).as(name).isTrue());
            }
        }
    }

    /// Matrices of different ranks and scales, of two of the three layers, and of the layer with swapped halves.
    @Test
    void partsOfFusedLayersKeepRankAndScale() throws IOException {
        Path file = folder.resolve("parts.safetensors");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            put(tensors, "transformer_blocks.1.attn.to_q", 2, 128, 4, 1);
            put(tensors, "transformer_blocks.1.attn.to_v", 3, 128, 3, 2);
            put(tensors, "norm_out.linear", 1, 256, 1, 3);
            TensorFiles.write(file, tensors, Map.of("note", "kept", "sshs_model_hash", "0"));
            Path kohya = converted(file, "kohya.safetensors", LoraFormat.KOHYA);
            Map<String, Tensor> fused = TensorFiles.read(kohya);
            assertThat(fused.keySet())
                    .contains("lora_unet_final_layer_adaLN_modulation_1.lora_up.weight")
                    .hasSize(6);
            assertThat(Tensors.shape(
                            Objects.requireNonNull(fused.get("lora_unet_double_blocks_1_img_attn_qkv.lora_up.weight"))))
                    .containsExactly(384, 5);
            Path back = converted(kohya, "back.safetensors", LoraFormat.DIFFUSERS);
            Map<String, Tensor> expected = updates(file);
            Map<String, Tensor> found = updates(back);
            assertThat(found.keySet()).isEqualTo(expected.keySet());
            found.forEach((name, update) ->
                    assertThat(update.allclose(expected.get(name))).as(name).isTrue());
            assertThat(Tensors.shape(Objects.requireNonNull(
                            TensorFiles.read(back).get("transformer.transformer_blocks.1.attn.to_v.lora_A.weight"))))
                    .containsExactly(3, 128);
            try (SafetensorsFile read = SafetensorsFile.open(back)) {
                assertThat(read.metadata())
                        .containsEntry("note", "kept")
                        .containsKey("lora_adapter_metadata")
                        .doesNotContainKey("sshs_model_hash");
            }
        }
    }

    private static void put(Map<String, Tensor> tensors, String layer, int rank, int rows, double alpha, int seed) {
        float[] a = new float[rank * 128];
        float[] b = new float[rank * rows];
        for (int i = 0; i < a.length; i++) {
            a[i] = (float) Math.sin(seed * 100 + i);
        }
        for (int i = 0; i < b.length; i++) {
            b[i] = (float) Math.cos(seed * 100 + i);
        }
        tensors.put("transformer." + layer + ".lora_A.weight", Tensors.of(a, rank, 128));
        tensors.put("transformer." + layer + ".lora_B.weight", Tensors.of(b, rows, rank));
        tensors.put("transformer." + layer + ".alpha", Tensors.of(new float[] {(float) alpha}));
    }

    @Test
    void otherKindsAreRenamed() throws IOException {
        for (String kind : new String[] {"lokr", "lokr_full", "loha"}) {
            Path kohya = converted(golden(kind), kind + "-kohya.safetensors", LoraFormat.KOHYA);
            Path comfyUi = converted(kohya, kind + ".safetensors", LoraFormat.COMFYUI);
            try (Scope _ = new Scope()) {
                Map<String, Tensor> found = TensorFiles.read(comfyUi);
                Map<String, Tensor> expected = TensorFiles.read(golden(kind));
                assertThat(found).hasSameSizeAs(expected);
                found.forEach((name, tensor) -> {
                    String flat = name.substring("diffusion_model.".length());
                    String layer = flat.substring(0, flat.lastIndexOf('.'));
                    String part = flat.substring(flat.lastIndexOf('.'));
                    Tensor same =
                            expected.getOrDefault(name, expected.get("lycoris_" + layer.replace('.', '_') + part));
                    assertThat(tensor.equal(Objects.requireNonNull(same)))
                            .as(name)
                            .isTrue();
                });
            }
        }
    }

    /// One of them is off, and one has other bits: neither is lost where they become one layer.
    @Test
    void partsOfFusedLayersKeepZeroScalesAndWiderDtypes() throws IOException {
        Path file = folder.resolve("parts.safetensors");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            put(tensors, "transformer_blocks.1.attn.to_q", 2, 128, 0, 1);
            put(tensors, "transformer_blocks.1.attn.to_k", 2, 128, 3, 2);
            put(tensors, "transformer_blocks.1.attn.to_v", 2, 128, 3, 3);
            tensors.replaceAll((name, tensor) -> name.contains("to_q.lora") ? DType.BFLOAT16.cast(tensor) : tensor);
            TensorFiles.write(file, tensors, Map.of());
            Map<String, Tensor> expected = updates(file);
            Map<String, Tensor> found = updates(converted(file, "kohya.safetensors", LoraFormat.KOHYA));
            assertThat(found.keySet()).isEqualTo(expected.keySet());
            found.forEach((name, update) -> assertThat(update.allclose(expected.get(name), 1e-5, 1e-6, false))
                    .as(name)
                    .isTrue());
        }
    }

    /// The metadata that give the scale are not written with the factors of a LoKr.
    @Test
    void aLoKrKeepsTheScaleOfMetadataAndItsFactorsAreCast() throws IOException {
        Path file = folder.resolve("lokr.safetensors");
        Path out = folder.resolve("out.safetensors");
        try (Scope _ = new Scope()) {
            String layer = "diffusion_model.double_blocks.0.img_attn.proj";
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            tensors.put(layer + ".lokr_w1", Tensors.of(new float[] {1, 2, 3, 4}, 2, 2));
            tensors.put(layer + ".lokr_w2_a", Tensors.of(new float[64 * 2], 64, 2));
            tensors.put(layer + ".lokr_w2_b", Tensors.of(new float[64 * 2], 2, 64));
            TensorFiles.write(file, tensors, Map.of("lora_alpha", "8", "r", "2"));
            LoraConverter.convert(file, out, LoraFormat.KOHYA, DType.BFLOAT16);
            Map<String, Tensor> written = TensorFiles.read(out);
            String name = "lora_unet_double_blocks_0_img_attn_proj";
            assertThat(Tensors.toDouble(Objects.requireNonNull(written.get(name + ".alpha"))))
                    .isEqualTo(8);
            assertThat(DType.of(Objects.requireNonNull(written.get(name + ".lokr_w1"))))
                    .isEqualTo(DType.BFLOAT16);
        }
    }

    private void assertRefused(Map<String, Tensor> tensors, @Nullable DType dtype, String message) throws IOException {
        Path file = folder.resolve("file.safetensors");
        Path out = folder.resolve("x.safetensors");
        TensorFiles.write(file, tensors, Map.of());
        assertThatThrownBy(() -> LoraConverter.convert(file, out, LoraFormat.COMFYUI, dtype))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining(message);
        assertThat(out).doesNotExist();
    }

    @Test
    void shapesAndValuesThatDoNotFitAreNamed() throws IOException {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            put(tensors, "double_blocks.1.img_attn.qkv", 2, 100, 4, 1);
            assertRefused(tensors, null, "has lora_B of 100 rows, expected 3 equal parts of rows");
            tensors.clear();
            put(tensors, "norm_out.linear", 2, 255, 4, 1);
            assertRefused(tensors, null, "has lora_B of 255 rows, expected 2 equal parts of rows");
            tensors.clear();
            put(tensors, "transformer_blocks.1.attn.to_k", 2, 128, 4, 1);
            put(tensors, "transformer_blocks.1.attn.to_q", 2, 64, 4, 1);
            assertRefused(tensors, null, "updates a weight of [64, 128], expected [128, 128] as");
            tensors.clear();
            put(tensors, "transformer_blocks.1.attn.to_k", 2, 128, 4, 1);
            tensors.replaceAll(
                    (name, tensor) -> name.contains("lora_B") ? tensor.mul(Tensors.of(new float[] {1e6f})) : tensor);
            assertRefused(tensors, DType.FLOAT16, "has values beyond float16; use --dtype bfloat16");
        }
    }

    @Test
    void layersOfATextEncoderAreLeftOutAndNamed() throws IOException {
        Path file = folder.resolve("file.safetensors");
        Path out = folder.resolve("out.safetensors");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            put(tensors, "transformer_blocks.1.attn.to_q", 2, 128, 4, 1);
            String layer = "text_encoder.model.layers.0.self_attn.q_proj";
            tensors.put(layer + ".lora_A.weight", Tensors.of(new float[128], 1, 128));
            tensors.put(layer + ".lora_B.weight", Tensors.of(new float[128], 128, 1));
            TensorFiles.write(file, tensors, Map.of());
            LoraConverter.Result result = LoraConverter.convert(file, out, LoraFormat.KOHYA, DType.BFLOAT16);
            assertThat(result.leftOut()).containsExactly(layer);
            assertThat(result.kinds()).isEqualTo("LoRA");
            assertThat(result.layers()).isEqualTo(1);
            Map<String, Tensor> written = TensorFiles.read(out);
            String name = "lora_unet_double_blocks_1_img_attn_qkv";
            assertThat(written.keySet())
                    .containsExactlyInAnyOrder(name + ".lora_down.weight", name + ".lora_up.weight", name + ".alpha");
            assertThat(DType.of(Objects.requireNonNull(written.get(name + ".lora_up.weight"))))
                    .isEqualTo(DType.BFLOAT16);
        }
    }

    @Test
    void whatCannotBeConvertedIsNamed() throws IOException {
        assertThatThrownBy(() -> converted(golden("lokr"), "x.safetensors", LoraFormat.DIFFUSERS))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("is a LoKr, for which diffusers and PEFT's LoRA have no names");
        Path file = folder.resolve("file.safetensors");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            put(tensors, "transformer_blocks.1.attn.to_q", 2, 128, 4, 1);
            tensors.put(
                    "transformer.transformer_blocks.1.attn.to_q.lora_magnitude_vector",
                    Tensors.of(new float[128], 128));
            TensorFiles.write(file, tensors, Map.of());
            assertThatThrownBy(() -> converted(file, "x.safetensors", LoraFormat.COMFYUI))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessageContaining("is a DoRA, and the other parts of 'double_blocks.1.img_attn.qkv' are none");
            tensors.clear();
            put(tensors, "down_blocks.1.attn.to_q", 2, 128, 4, 1);
            TensorFiles.write(file, tensors, Map.of());
            assertThatThrownBy(() -> converted(file, "x.safetensors", LoraFormat.COMFYUI))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessageContaining("1 layers are none of FLUX.2's transformer")
                    .hasMessageContaining("down_blocks.1.attn.to_q");
        }
        assertThat(folder.resolve("x.safetensors")).doesNotExist();
    }
}
