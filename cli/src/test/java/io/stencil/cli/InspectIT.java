package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InspectIT {

    @TempDir
    private Path folder;

    private static List<String> lines(String... words) {
        return StencilRun.inProcess(words).succeeded().out().lines().toList();
    }

    @Test
    void aWholeModelIsToldPartByPart() throws IOException, InterruptedException {
        StencilRun run = StencilProcess.run(TestFiles.root(), "inspect", "models/tiny-flux2")
                .succeeded();

        assertThat(run.out().lines())
                .contains(
                        "models/tiny-flux2: base model",
                        "models/tiny-flux2/transformer: FLUX.2 transformer: 2 double and 3 single blocks, 4 heads x 32, "
                                + "by its config.json",
                        "models/tiny-flux2/vae: FLUX.2 VAE: channels [16, 16, 32, 32], by its config.json",
                        "models/tiny-flux2/text_encoder: Qwen3 text encoder: 28 layers, width 64, by its config.json",
                        "models/tiny-flux2/tokenizer: tokenizer",
                        "  tensors      53",
                        "  dtypes       BF16",
                        "  dtypes       BF16 (182), I64 (1)");
        assertThat(run.err()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            diffusers  | LoRA of 30 layers, rank 4, diffusers names
            dora_kohya | DoRA of 22 layers, rank 4, musubi-tuner and kohya names
            lokr       | LoKr of 22 layers, ai-toolkit and ComfyUI names
            loha       | LoHa of 22 layers, LyCORIS names
            """)
    void lorasAreShownWithKindAndTool(String file, String description) {
        String path = TestFiles.golden("formats/lora/" + file + ".safetensors").toString();
        assertThat(lines("inspect", path)).first().isEqualTo(path + ": " + description);
    }

    @Test
    void weightsOfTheValueFamilyAreRecognised() {
        assertThat(lines(
                        "inspect",
                        TestFiles.golden("template_value_b/model.safetensors").toString()))
                .satisfiesExactly(
                        line -> assertThat(line).endsWith(": value Template for 5 blocks, length 4"),
                        line -> assertThat(line).isEqualTo("  tensors      50"),
                        line -> assertThat(line).isEqualTo("  parameters   499,200"),
                        line -> assertThat(line).isEqualTo("  dtypes       BF16"),
                        line -> assertThat(line).isEqualTo("  size         1.0 MB"),
                        line -> assertThat(line).matches("  key hash     [0-9a-f]{32}"),
                        line -> assertThat(line).isEqualTo("  metadata format pt"));
    }

    @Test
    void keysAreListedWithDtypeAndShape() {
        assertThat(lines(
                        "inspect",
                        "--keys",
                        TestFiles.golden("vae_io.safetensors").toString()))
                .contains("  F32     decoded [1, 3, 64, 96]", "  F32     latents [1, 128, 4, 6]")
                .first()
                .asString()
                .endsWith("vae_io.safetensors: tensors of no known model");
    }

    @Test
    void ggufFilesShowBlockTypesShapesAndMetadata() {
        assertThat(lines(
                        "inspect",
                        "--keys",
                        TestFiles.golden("formats/text_encoder/Q8_0.gguf").toString()))
                .contains(
                        "  dtypes       F32 (113), Q8_0 (197)",
                        "  metadata general.architecture qwen3",
                        "  metadata qwen3.block_count 28",
                        "  Q8_0    token_embd.weight [1280, 64] = model.embed_tokens.weight",
                        "  F32     output_norm.weight [64] = model.norm.weight")
                .first()
                .asString()
                .contains("Q8_0.gguf: GGUF: ");
    }

    @Test
    void keysShowBothNamesAndTheLayout() {
        assertThat(lines(
                        "inspect",
                        "--keys",
                        TestFiles.golden("formats/transformer/bfl.safetensors").toString()))
                .contains(
                        "  BF16    img_in.weight [128, 128] = x_embedder.weight",
                        "  BF16    double_blocks.1.txt_attn.qkv.weight [384, 128]"
                                + " = transformer_blocks.1.attn.add_q_proj.weight (rows 0 to 127)"
                                + ", transformer_blocks.1.attn.add_k_proj.weight (rows 128 to 255)"
                                + ", transformer_blocks.1.attn.add_v_proj.weight (rows 256 to 383)",
                        "  BF16    final_layer.adaLN_modulation.1.weight [256, 128]"
                                + " = norm_out.linear.weight (halves of the rows swapped)");
        assertThat(lines(
                        "inspect",
                        "--keys",
                        TestFiles.golden("formats/vae/bfl.safetensors").toString()))
                .contains("  BF16    decoder.mid.attn_1.q.weight [32, 32, 1, 1]"
                        + " = decoder.mid_block.attentions.0.to_q.weight (shape [32, 32])");
        assertThat(lines(
                        "inspect",
                        "--keys",
                        TestFiles.golden("formats/lora/dora_kohya.safetensors").toString()))
                .contains(
                        "  F32     lora_unet_double_blocks_0_img_attn_qkv.dora_scale [384, 1]"
                                + " = transformer_blocks.0.attn.to_q, transformer_blocks.0.attn.to_k, transformer_blocks.0.attn.to_v");
    }

    @Test
    void aDistilledModelIsToldFromItsIndex() throws IOException {
        Files.createDirectory(folder.resolve("vae"));
        Files.copy(TestFiles.tinyModel("vae/diffusion_pytorch_model.safetensors"), folder.resolve("vae/x.safetensors"));
        Files.writeString(
                folder.resolve("model_index.json"),
                "{\"_class_name\": \"Flux2KleinPipeline\", \"is_distilled\": true}");

        assertThat(lines("inspect", folder.toString()))
                .contains(
                        "  pipeline     Flux2KleinPipeline",
                        "  distilled    yes: for generating, not for training",
                        folder + "/vae: FLUX.2 VAE (diffusers names)")
                .anySatisfy(line -> assertThat(line)
                        .startsWith("  fault ")
                        .contains(
                                "its shapes make no model (block_out_channels must be multiples of norm_num_groups 32")
                        .contains("config.json"));
    }

    @Test
    void aFileInNamesOfBlackForestLabsIsRecognised() {
        assertThat(lines(
                        "inspect",
                        TestFiles.golden("formats/transformer/bfl.safetensors").toString()))
                .contains(
                        "  names        BFL names, FLUX.2 transformer: 2 double and 3 single blocks, 4 heads x 32, BF16",
                        "  tensors      45")
                .noneMatch(line -> line.contains("fault"))
                .first()
                .asString()
                .endsWith(": FLUX.2 transformer: 2 double and 3 single blocks, 4 heads x 32, by its shapes");
    }

    @Test
    void missingTensorsAreNamedAsTheFileNamesThem() throws IOException {
        Path file = folder.resolve("part.safetensors");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = TensorFiles.read(TestFiles.golden("formats/transformer/bfl.safetensors"));
            tensors.remove("double_blocks.1.txt_attn.qkv.weight");
            TensorFiles.write(file, tensors, Map.of());
        }
        assertThat(lines("inspect", file.toString()))
                .contains("  fault        tensors do not fit the model (BFL names, BF16): 1 missing "
                        + "(double_blocks.1.txt_attn.qkv.weight)");
    }

    @Test
    void aTemplateShowsItsInputsAndTheRowsOfItsDataProcessor() throws IOException {
        Files.writeString(folder.resolve("Model.java"), """
                import io.stencil.flux2.transformer.TransformerConfig;
                import io.stencil.image.RgbImage;
                import io.stencil.template.*;
                import java.util.Optional;
                public final class Model implements Template<Model.Input, Model.Input> {
                    public record Input(double scale, Optional<RgbImage> mask) {}
                    public record Row(int percent) {}
                    public Optional<DataProcessor<Row, Input>> dataProcessor() {
                        return Optional.of(row -> new Input(row.percent() / 100.0, Optional.empty()));
                    }
                    public TemplateModel<Input, Input> model(TransformerConfig base) { throw new IllegalStateException(); }
                    public Weights weights() { return Weights.random(0); }
                }
                """);
        assertThat(lines("inspect", folder.toString()))
                .containsExactly(
                        folder + ": Template",
                        "  code         Model.java",
                        "  inputs       scale (a number), mask (the path of an image, optional)",
                        "  dataset rows percent (a whole number)");
    }

    @Test
    void theExamplesShowTheRangesOfTheirNumbers() {
        assertThat(inputs("brightness")).isEqualTo("scale (a number from 0 to 1)");
        assertThat(inputs("sharpness")).isEqualTo("scale (a number from 0 to 1)");
        assertThat(inputs("count")).isEqualTo("n (a whole number from 1 to 5)");
        assertThat(inputs("soft-rgb"))
                .isEqualTo("R (a number), G (a number), B (a number)"); // its data go beyond 0 and 1
        assertThat(inputs("styles"))
                .isEqualTo(
                        "lora_ids (a list, each a whole number from 0 to 2), lora_scales (a list, each a number from 0 to 1), merge_type (one of [concat, mean])");
        assertThat(inputs("authoring/warmth")).isEqualTo("warmth (a number from 0 to 1)");
    }

    /// The line of the inputs, without its name.
    private static String inputs(String example) {
        return lines("inspect", TestFiles.root().resolve("examples/" + example).toString()).stream()
                .filter(line -> line.startsWith("  inputs"))
                .findFirst()
                .orElseThrow()
                .substring("  inputs".length())
                .strip();
    }

    @Test
    void whatIsNotThereOrNotKnownIsToldInOneLine() throws IOException, InterruptedException {
        Path broken = Files.writeString(folder.resolve("broken.safetensors"), "no header in here");

        StencilProcess.run(folder, "inspect", "absent").failed(1, "absent: no such file or folder");
        StencilRun.inProcess("inspect", broken.toString()).failed(1, "broken.safetensors: ");
        StencilRun.inProcess("inspect", TestFiles.root().resolve("testdata").toString())
                .failed(1, "holds no model, Template, training or weights that are known; found golden");
        StencilRun.inProcess("inspect").failed(2, "FILE_OR_DIR");
    }
}
