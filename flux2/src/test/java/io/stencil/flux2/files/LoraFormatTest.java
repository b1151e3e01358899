package io.stencil.flux2.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.files.LoraFormat.Content;
import io.stencil.flux2.files.LoraFormat.Update;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.nn.Linear;
import io.stencil.nn.LoraPair;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LoraFormatTest {

    private static final String ATTENTION = "transformer_blocks.0.attn.";
    private static final String QKV = "double_blocks.0.img_attn.qkv";

    private final Scope scope = new Scope();
    private final TorchGenerator generator = new TorchGenerator(5);
    private final Flux2Transformer model =
            new Flux2Transformer(TransformerConfig.read(TestFiles.tinyModel("transformer/config.json")));

    @TempDir
    private Path folder;

    @AfterEach
    void free() {
        model.close();
        generator.close();
        scope.close();
    }

    private Update random(String layer, long rank, double alpha) {
        long[] shape = ((Linear) Objects.requireNonNull(model.modules().get(layer)))
                .weight()
                .shape();
        return new Update(
                new LoraPair(
                        generator.randn(DType.FLOAT32, rank, shape[1]), generator.randn(DType.FLOAT32, shape[0], rank)),
                alpha);
    }

    private LoraFile written(Content content) throws IOException {
        Path file = folder.resolve("lora.safetensors");
        TensorFiles.write(file, content.tensors(), content.metadata());
        return LoraFile.read(file, model, 1, DType.FLOAT32, Device.CPU);
    }

    private static Tensor change(LoraPair pair, double scale) {
        return Ops.mul(pair.b().matmul(pair.a()), scale);
    }

    @ParameterizedTest
    @CsvSource({"DIFFUSERS, diffusers", "COMFYUI, ai-toolkit and ComfyUI", "KOHYA, musubi-tuner and kohya"})
    void theUpdatesOfAFileAreThoseThatWereWritten(LoraFormat format, String dialect) throws IOException {
        Map<String, Update> updates = new LinkedHashMap<>();
        model.modules().forEach((name, part) -> {
            if (part instanceof Linear) {
                // the query's has another rank and another scale than those of key and value
                updates.put(name, name.endsWith("to_q") ? random(name, 3, 7) : random(name, 2, 1));
            }
        });
        LoraFile read = written(format.content(updates));
        assertThat(read.dialect()).isEqualTo(dialect);
        assertThat(read.unmatched()).isEmpty();
        assertThat(read.lora().pairs()).containsOnlyKeys(updates.keySet());
        updates.forEach((name, update) -> TensorAssert.assertClose(
                name,
                change(Objects.requireNonNull(read.lora().pairs().get(name)), 1),
                change(update.pair(), update.alpha() / update.pair().a().size(0)),
                1e-6));
    }

    @Test
    void ranksAddUpWhereQueryKeyAndValueHaveEachTheirOwnA() {
        Map<String, Update> updates = new LinkedHashMap<>();
        for (String name : new String[] {"to_v", "to_q"}) { // without to_k
            updates.put(ATTENTION + name, random(ATTENTION + name, 2, 2));
        }
        Map<String, Tensor> tensors = LoraFormat.COMFYUI.content(updates).tensors();
        assertThat(tensors)
                .containsOnlyKeys(
                        "diffusion_model." + QKV + ".lora_A.weight", "diffusion_model." + QKV + ".lora_B.weight");
        Tensor q =
                Objects.requireNonNull(updates.get(ATTENTION + "to_q")).pair().b();
        Tensor v =
                Objects.requireNonNull(updates.get(ATTENTION + "to_v")).pair().b();
        Tensor none = Tensors.zeros(DType.FLOAT32, Device.CPU, q.size(0), 2);
        TensorAssert.assertSame(
                "lora_B",
                Objects.requireNonNull(tensors.get("diffusion_model." + QKV + ".lora_B.weight")),
                Ops.cat(0, Ops.cat(1, q, none), Ops.cat(1, none, none), Ops.cat(1, none, v)));
    }

    @Test
    void anAThatQueryKeyAndValueShareIsWrittenOnce() {
        LoraPair q = random(ATTENTION + "to_q", 4, 8).pair();
        Map<String, Update> updates = new LinkedHashMap<>();
        for (String name : new String[] {"to_q", "to_k", "to_v"}) {
            updates.put(
                    ATTENTION + name,
                    new Update(
                            new LoraPair(
                                    q.a(), random(ATTENTION + name, 4, 8).pair().b()),
                            8));
        }
        Map<String, Tensor> tensors = LoraFormat.KOHYA.content(updates).tensors();
        assertThat(tensors.keySet())
                .containsExactly(
                        "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight",
                        "lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight",
                        "lora_unet_double_blocks_0_img_attn_qkv.alpha");
        assertThat(Tensors.shape(
                        Objects.requireNonNull(tensors.get("lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight"))))
                .containsExactly(Tensors.shape(q.a()));
        assertThat(Tensors.toDouble(
                        Objects.requireNonNull(tensors.get("lora_unet_double_blocks_0_img_attn_qkv.alpha"))))
                .isEqualTo(8);
    }

    @Test
    void theConfigurationOfDiffusersHasPatternsForOtherRanks() {
        Map<String, Update> updates = new LinkedHashMap<>();
        updates.put(ATTENTION + "to_q", random(ATTENTION + "to_q", 4, 4));
        updates.put(ATTENTION + "to_k", random(ATTENTION + "to_k", 2, 1));
        assertThat(LoraFormat.DIFFUSERS.content(updates).metadata())
                .containsEntry(
                        "lora_adapter_metadata",
                        "{\"transformer.r\":4,\"transformer.lora_alpha\":4.0,\"transformer.use_dora\":false,"
                                + "\"transformer.use_rslora\":false,\"transformer.target_modules\":"
                                + "[\"transformer_blocks.0.attn.to_q\",\"transformer_blocks.0.attn.to_k\"],"
                                + "\"transformer.rank_pattern\":{\"transformer_blocks.0.attn.to_k\":2},"
                                + "\"transformer.alpha_pattern\":{\"transformer_blocks.0.attn.to_k\":1.0}}");
    }

    @Test
    void aLayerWithoutANameOfBlackForestLabsIsRefused() {
        Map<String, Update> updates = Map.of("other.linear", random(ATTENTION + "to_q", 1, 1));
        assertThatThrownBy(() -> LoraFormat.KOHYA.content(updates))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("'other.linear' has no name of Black Forest Labs");
    }
}
