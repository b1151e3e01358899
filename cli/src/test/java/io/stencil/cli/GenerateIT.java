package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.testing.Golden;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `stencil generate` as a process, against the reference's latents and pictures.
class GenerateIT {

    /// As for all final latents: what independent implementations reach, with room for another libtorch.
    private static final double TOLERANCE = 5e-5;

    @TempDir
    private Path folder;

    private List<String> words(String name) {
        return new ArrayList<>(List.of(
                "generate",
                "--model_paths",
                TestFiles.tinyModel("").toString(),
                "--dtype=float32",
                "--prompt=a cat",
                "--height=64",
                "--width=96",
                "--num_inference_steps=4",
                "--output=" + name + ".png",
                "--save_latents=" + name + ".safetensors"));
    }

    @Test
    void steeredByATemplateItEqualsTheReference() throws IOException, InterruptedException {
        List<String> words = words("template");
        words.addAll(List.of(
                "--cfg-scale=4",
                "--template_model_id_or_path=" + TestFiles.golden("template_value_a"),
                "--template_inputs={\"scale\": 0.8}",
                "--negative_template_inputs=[{\"model_id\": 0, \"scale\": 0.5}]"));

        StencilRun run =
                StencilProcess.run(folder, words.toArray(String[]::new)).succeeded();

        assertThat(run.out().lines()).containsExactly("wrote template.png (96 x 64)", "wrote template.safetensors");
        assertThat(run.err().strip().lines()).hasSize(1).first().asString().startsWith("step 4 of 4");
        assertEqualsReference("template");
        assertThat(StencilRun.content(folder)).containsExactly("template.png", "template.safetensors");
    }

    @Test
    void severalTemplatesAreLoadedLazilyFromAConfigurationFile() throws IOException {
        Files.writeString(folder.resolve("run.yaml"), """
                model_paths:
                  - %1$s/transformer/*.safetensors
                  - %1$s/vae
                  - [%1$s/text_encoder/model.safetensors]
                tokenizer-path: "%1$s:tokenizer/"
                dtype: float32
                cfg_scale: 4
                lazy_loading: true
                template_model_id_or_path: [%2$s, %3$s]
                template_inputs:
                  - {model_id: 0, scale: 0.8}
                  - {model_id: 1, scale: 0.3}
                prompt: a dog
                height: 64
                width: 96
                """.formatted(
                TestFiles.tinyModel(""), TestFiles.golden("template_value_a"), TestFiles.golden("template_value_b")));

        StencilRun.inProcess(
                        "generate",
                        "--config=" + folder.resolve("run.yaml"),
                        "--prompt=a cat",
                        "--num_inference_steps=4",
                        "--output=" + folder.resolve("two_templates.png"),
                        "--save_latents=" + folder.resolve("two_templates.safetensors"))
                .succeeded();

        assertEqualsReference("two_templates");
    }

    @Test
    void anInputImageAndAMaskGiveTheReferencesPicture() {
        List<String> words = words(folder.resolve("inpaint").toString());
        words.addAll(List.of(
                "--cfg_scale=4",
                "--input_image=" + TestFiles.golden("input.png"),
                "--inpaint_mask=" + TestFiles.golden("mask.png")));

        StencilRun.inProcess(words.toArray(String[]::new)).succeeded();

        assertEqualsReference("inpaint");
    }

    @Test
    void anOverlayKeepsWhatTheMaskKeeps() {
        List<String> words = words(folder.resolve("overlay").toString());
        words.addAll(List.of(
                "--input_image=" + TestFiles.golden("input.png"),
                "--inpaint_mask=" + TestFiles.golden("mask.png"),
                "--inpaint_overlay"));

        StencilRun.inProcess(words.toArray(String[]::new)).succeeded();

        RgbImage input = RgbImageReader.read(TestFiles.golden("input.png"));
        RgbImage mask = RgbImageReader.read(TestFiles.golden("mask.png"));
        RgbImage made = RgbImageReader.read(folder.resolve("overlay.png"));
        int kept = 0;
        for (int y = 0; y < input.height(); y++) {
            for (int x = 0; x < input.width(); x++) {
                if (mask.sample(x, y, 0) == 0) {
                    assertThat(made.pixel(x, y)).as("at %s, %s", x, y).isEqualTo(input.pixel(x, y));
                    kept++;
                }
            }
        }
        assertThat(kept).isPositive();
        assertThat(made).isNotEqualTo(input);
    }

    @Test
    void editImagesKeepTheirSizeWhenAsked() {
        List<String> words = words(folder.resolve("edit").toString());
        words.addAll(List.of(
                "--cfg_scale=4", "--edit_image=" + TestFiles.golden("edit.png"), "--edit_image_auto_resize=false"));

        StencilRun.inProcess(words.toArray(String[]::new)).succeeded();

        assertEqualsReference("edit");
    }

    @Test
    void aLoraTellsHowManyLayersItFits() throws IOException {
        Path lora = folder.resolve("lora.safetensors");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = Map.of(
                    "diffusion_model.transformer_blocks.0.attn.to_q.lora_A.weight",
                    Tensors.of(new float[128], 1, 128),
                    "diffusion_model.transformer_blocks.0.attn.to_q.lora_B.weight",
                    Tensors.of(new float[128], 128, 1),
                    "diffusion_model.transformer_blocks.9.attn.to_q.lora_A.weight",
                    Tensors.of(new float[128], 1, 128),
                    "diffusion_model.transformer_blocks.9.attn.to_q.lora_B.weight",
                    Tensors.of(new float[128], 128, 1));
            TensorFiles.write(lora, tensors, Map.of());
        }
        List<String> words = words(folder.resolve("base").toString());
        words.addAll(List.of("--cfg_scale=4", "--lora=" + lora, "--lora_alpha=0.5"));

        StencilRun run = StencilRun.inProcess(words.toArray(String[]::new)).succeeded();

        assertThat(run.err().lines().findFirst().orElseThrow())
                .isEqualTo(
                        lora
                                + ": LoRA of 1 layers used (ComfyUI and diffusers names), 1 left out: transformer_blocks.9.attn.to_q");
        assertEqualsReference("base"); // an update of zeros
    }

    @Test
    void severalLorasHaveStrengthsOfTheirOwn() throws IOException {
        Path one = TestFiles.golden("formats/lora/ai_toolkit.safetensors");
        Path other = Files.copy(
                TestFiles.golden("formats/lora/diffusers.safetensors"), folder.resolve("style=2.safetensors"));
        List<String> words = words(folder.resolve("loras").toString());
        words.addAll(List.of("--cfg_scale=4", "--lora=" + one + "=-0.5", "--lora=" + other + "=5e-1"));
        words.addAll(List.of("--lora=" + other)); // its name has an = in it

        StencilRun run = StencilRun.inProcess(words.toArray(String[]::new)).succeeded();

        assertThat(run.err().lines().limit(3))
                .containsExactly(
                        one + ": LoRA of 22 layers used (ai-toolkit and ComfyUI names)",
                        other + ": LoRA of 30 layers used (diffusers names)",
                        other + ": LoRA of 30 layers used (diffusers names)");
        try (Scope _ = new Scope()) {
            TensorAssert.assertClose(
                    "latents",
                    Objects.requireNonNull(TensorFiles.read(folder.resolve("loras.safetensors"))
                            .get("latents")),
                    Golden.read("formats/expected.safetensors").tensor("lora_ai_toolkit.latents"),
                    2e-4);
        }
    }

    @Test
    void aLoraOfAnotherModelIsWarnedOf() throws IOException {
        Path lora = folder.resolve("other.safetensors");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            for (int block : List.of(0, 7, 8)) {
                String layer = "lora_unet_single_blocks_%s_linear2".formatted(block);
                tensors.put(layer + ".lora_down.weight", Tensors.of(new float[512], 1, 512));
                tensors.put(layer + ".lora_up.weight", Tensors.of(new float[128], 128, 1));
            }
            TensorFiles.write(lora, tensors, Map.of());
        }
        List<String> words = words(folder.resolve("warned").toString());
        words.replaceAll(word -> word.replace("steps=4", "steps=1"));
        words.add("--lora=" + lora);

        StencilRun run = StencilRun.inProcess(words.toArray(String[]::new)).succeeded();

        assertThat(run.err())
                .contains(
                        "stencil: warning: the transformer has only 1 of the 3 layers of this LoRA, which is probably for another model")
                .contains("2 left out: single_blocks_7_linear2, single_blocks_8_linear2");
    }

    @Test
    void valuesThatHaveNoEffectAreWarnedOf() {
        List<String> words = words(folder.resolve("warned").toString());
        words.removeIf(word -> word.startsWith("--height"));
        words.addAll(List.of(
                "--height=49",
                "--negative_prompt=a dog",
                "--template_model_id_or_path=" + TestFiles.golden("template_value_a"),
                "--template_model_id_or_path=" + TestFiles.golden("template_value_b"),
                "--template_inputs={\"scale\": 0.8}",
                "--negative_template_inputs={\"scale\": 0.8}"));

        StencilRun run = StencilRun.inProcess(words.toArray(String[]::new)).succeeded();

        assertThat(run.out()).contains("(96 x 64)");
        assertThat(run.err().lines().filter(line -> line.startsWith("stencil: ")))
                .containsExactly(
                        "stencil: warning: Template '%s' has no effect: no template input has 'model_id' 1"
                                .formatted(TestFiles.golden("template_value_b")),
                        "stencil: warning: negative_template_inputs have no effect: there is no guidance at cfg_scale 1",
                        "stencil: warning: width and height are rounded up to multiples of 16: the image has 96 x 64 pixels instead of 96 x 49",
                        "stencil: warning: negative_prompt has no effect: there is no guidance at cfg_scale 1");
    }

    private void assertEqualsReference(String name) {
        try (Scope _ = new Scope()) {
            Tensor latents = Objects.requireNonNull(
                    TensorFiles.read(folder.resolve(name + ".safetensors")).get("latents"));
            TensorAssert.assertClose(
                    name, latents, Golden.read("generate.safetensors").tensor(name + ".latents"), TOLERANCE);
        }
        RgbImage expected = RgbImageReader.read(TestFiles.golden("generate_" + name + ".png"));
        RgbImage picture = RgbImageReader.read(folder.resolve(name + ".png"));
        assertThat(picture.size()).isEqualTo(expected.size());
        int worst = 0;
        for (int i = 0; i < expected.rgb().length; i++) {
            worst = Math.max(worst, Math.abs((picture.rgb()[i] & 0xFF) - (expected.rgb()[i] & 0xFF)));
        }
        assertThat(worst).as("largest difference of a sample").isLessThanOrEqualTo(1);
    }

    /// Named by what they do, or as the base model's option names them.
    @Test
    void modelsInFloat8GiveNearlyTheSamePicture() throws IOException {
        try (Scope _ = new Scope()) {
            Tensor exact = latents("exact", List.of());
            Tensor named = latents("named", List.of("--fp8_models=dit,text_encoder,vae"));
            Tensor whole = latents("whole", List.of("--fp8_models=" + TestFiles.tinyModel("")));

            TensorAssert.assertClose("by name or by path", named, whole, 0);
            double difference = Tensors.toDouble(named.sub(exact).norm()) / Tensors.toDouble(exact.norm());
            assertThat(difference).isGreaterThan(1e-4).isLessThan(0.1);
        }
    }

    @Test
    void offloadedModelsGiveTheSamePicture() throws IOException {
        try (Scope _ = new Scope()) {
            Tensor exact = latents("exact", List.of());
            Tensor named = latents("named", List.of("--offload_models=dit,text_encoder,vae"));
            Tensor whole = latents("whole", List.of("--offload_models=" + TestFiles.tinyModel("")));

            TensorAssert.assertClose("offloaded", named, exact, TOLERANCE);
            TensorAssert.assertClose("by name or by path", named, whole, 0);
        }
    }

    /// Tiles are cut where a picture is larger than one; latents are not touched by them.
    @Test
    void tilesOfTheVaeChangeThePictureAlone() throws IOException {
        try (Scope _ = new Scope()) {
            Tensor exact = latents("exact", List.of());
            Tensor one = latents("one", List.of("--tiled"));
            Tensor several = latents("several", List.of("--tiled", "--tile_size=48", "--tile_stride=32"));

            TensorAssert.assertSame("in one tile", one, exact);
            TensorAssert.assertSame("in several", several, exact);
            assertThat(picture("one")).isEqualTo(picture("exact"));
            assertThat(picture("several")).isNotEqualTo(picture("exact"));
            assertThat(picture("several").size()).isEqualTo(picture("exact").size());
        }
    }

    private RgbImage picture(String name) {
        return RgbImageReader.read(folder.resolve(name + ".png"));
    }

    private Tensor latents(String name, List<String> more) {
        List<String> words = words(folder.resolve(name).toString());
        words.addAll(more);
        StencilRun.inProcess(words.toArray(String[]::new)).succeeded();
        return Objects.requireNonNull(
                TensorFiles.read(folder.resolve(name + ".safetensors")).get("latents"));
    }
}
