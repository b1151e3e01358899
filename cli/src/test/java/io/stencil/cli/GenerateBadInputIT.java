package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Wrong input to `stencil generate`: one line that names the fault, the exit code, and nothing written.
class GenerateBadInputIT {

    @TempDir
    private Path folder;

    private Path outputs;

    @BeforeEach
    void nameOutputs() {
        outputs = folder.resolve("outputs");
    }

    @AfterEach
    void nothingWasWritten() throws IOException {
        assertThat(StencilRun.content(outputs)).isEmpty();
    }

    /// A good command line with these words behind it; a later `--option=value` replaces an earlier one.
    private String[] words(String... more) {
        List<String> words = new ArrayList<>(List.of(
                "--model_paths=" + TestFiles.tinyModel(""),
                "--dtype=float32",
                "--prompt=a cat",
                "--height=64",
                "--width=96",
                "--num_inference_steps=1",
                "--output=" + outputs.resolve("a.png")));
        for (String word : more) {
            words.removeIf(earlier -> earlier.startsWith(word.replaceFirst("=.*", "=")));
        }
        words.addFirst("generate");
        words.addAll(Arrays.asList(more));
        return words.stream().filter(word -> !word.endsWith("=")).toArray(String[]::new);
    }

    @ParameterizedTest
    @MethodSource
    void usageFaultsEndWith2(String word, String message) {
        StencilRun.inProcess(words(word)).failed(2, message);
    }

    static Stream<Arguments> usageFaultsEndWith2() {
        return Stream.of(
                Arguments.of("--no_such_option=1", "Unknown option: '--no_such_option=1'"),
                Arguments.of("stray", "stray"),
                Arguments.of("--height=tall", "'--height'"),
                Arguments.of("--prompt=", "'--prompt=TEXT'"),
                Arguments.of("--output=", "'--output=FILE'"),
                Arguments.of("--model_paths=", "--model_paths"),
                Arguments.of("--model_id_with_origin_paths=a:b", "are both given"),
                Arguments.of("--dtype=float16", "expected float32 or bfloat16, found 'float16'"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --tile_size=500  | 'tile_size': must be a multiple of 16 pixels, found 500
            --tile_size=0    | 'tile_size': must be at least 16, found 0
            --tile_stride=40 | 'tile_stride': must be a multiple of 16 pixels, found 40
            --tile_stride=0  | 'tile_stride': must be at least 16 and at most the tile size 512, found 0
            --tile_stride=528| 'tile_stride': must be at least 16 and at most the tile size 512, found 528
            """)
    void tilesThatCannotBeCutEndWith1(String word, String message) {
        StencilRun.inProcess(words("--tiled", word)).failed(1, message);
    }

    @ParameterizedTest
    @MethodSource
    void wrongValuesEndWith1(String word, String message) {
        StencilRun.inProcess(words(word)).failed(1, message);
    }

    static Stream<Arguments> wrongValuesEndWith1() {
        return Stream.of(
                Arguments.of("--model_paths=absent.safetensors", "'absent.safetensors' does not exist"),
                Arguments.of("--model_paths=[\"a\",", "'model_paths': is not JSON"),
                Arguments.of(
                        "--fp8_models=clip", "'fp8_models': 'clip' is not a model; expected one of text_encoder, vae"),
                Arguments.of("--offload_models=clip", "'offload_models': 'clip' is not a model; expected one of"),
                Arguments.of("--tokenizer_path=absent", "'absent' is not a directory"),
                Arguments.of("--tokenizer_path=" + TestFiles.tinyModel("vae"), "has no tokenizer.json"),
                Arguments.of(
                        "--output=a.bmp",
                        "'output': 'a.bmp': images are written as PNG, JPEG or WebP; give a name that ends in .png"),
                Arguments.of("--from=absent.png", "absent.png: no such file"),
                Arguments.of("--output=" + TestFiles.root().resolve("pom.xml/a.png"), "pom.xml' is not a directory"),
                Arguments.of("--save_latents=a.pt", "must end in .safetensors"),
                Arguments.of("--height=0", "'height': must be at least 1, found 0"),
                Arguments.of("--num_inference_steps=0", "'num_inference_steps': must be at least 1"),
                Arguments.of("--denoising_strength=0", "'denoising_strength': must be above 0"),
                Arguments.of("--denoising_strength=0.5", "'denoising_strength': is 0.5, but there is no image"),
                Arguments.of("--height=2147483647", "'height': 2147483647 and width 96 are more than 268435456 pixels"),
                Arguments.of("--inpaint_blur_size=-1", "'inpaint_blur_size': needs --inpaint_mask"),
                Arguments.of("--inpaint_blur_sigma=2", "'inpaint_blur_sigma': needs --inpaint_mask"),
                Arguments.of("--inpaint_overlay", "'inpaint_overlay': needs an inpaint mask"),
                Arguments.of("--lora_alpha=0.5", "'lora_alpha': needs --lora"),
                Arguments.of(
                        "--cfg_scale=1e30", "'cfg_scale': must be a number from -1000000 to 1000000, found 1.0E30"),
                Arguments.of("--cfg_scale=1e300", "'cfg_scale': must be a number from -1000000 to 1000000"),
                Arguments.of("--cfg_scale=NaN", "'cfg_scale': must be a number from -1000000 to 1000000, found NaN"),
                Arguments.of("--embedded_guidance=Infinity", "'embedded_guidance': must be a number from"),
                Arguments.of("--seed=4294967303", "'seed': must be 0 to 4294967295, found 4294967303"),
                Arguments.of("--num_inference_steps=100000", "'num_inference_steps': 100000 are too many"),
                Arguments.of("--edit_image_auto_resize=false", "'edit_image_auto_resize': needs --edit_image"),
                Arguments.of("--tile_size=512", "'tile_size': needs --tiled"),
                Arguments.of("--tile_stride=256", "'tile_stride': needs --tiled"),
                Arguments.of("--device=tpu", "'device': expected cpu, cuda or cuda:N, found 'tpu'"),
                Arguments.of("--input_image=absent.png", "absent.png: no such file"),
                Arguments.of("--edit_image=" + TestFiles.root().resolve("pom.xml"), "pom.xml"),
                Arguments.of("--inpaint_mask=" + TestFiles.golden("mask.png"), "needs an input image"),
                Arguments.of("--lora=absent.safetensors", "absent.safetensors: no such file"),
                Arguments.of("--lora=*.xml", "*.xml: no such file; --lora must name a safetensors file"),
                Arguments.of("--lora=absent.safetensors=0.5", "absent.safetensors: no such file"),
                Arguments.of(
                        "--lora=absent.safetensors=much",
                        "'lora': 'absent.safetensors=much' ends in =much, which is no number"),
                Arguments.of(
                        "--lora=absent.safetensors=1e9",
                        "'lora_alpha': must be a number from -1000000 to 1000000, found 1.0E9"),
                Arguments.of("--lora=" + TestFiles.golden("vae_io.safetensors"), "holds no LoRA tensors"),
                Arguments.of("--template_model_id_or_path=absent", "'absent' is not a directory"),
                Arguments.of("--template_model_id_or_path=org/name", "to have it from a hub, write 'org/name:'"),
                Arguments.of("--template_inputs={\"scale\": 1}", "'model_id' is 0, but 0 Templates are named"));
    }

    @Test
    void aStrengthThatMayBeOfSeveralLorasIsRefused() {
        StencilRun.inProcess(words("--lora=a=2", "--lora_alpha=1"))
                .failed(
                        1,
                        "'lora_alpha': is the strength of one --lora without its own, found a=2; write --lora FILE=");
        StencilRun.inProcess(words("--lora=a", "--lora=b", "--lora_alpha=1"))
                .failed(1, "'lora_alpha': is the strength of one --lora without its own, found a, b");
    }

    @ParameterizedTest
    @MethodSource
    void blursThatCannotBeUsedAreTold(String word, String message) {
        StencilRun.inProcess(words(
                        "--input_image=" + TestFiles.golden("input.png"),
                        "--inpaint_mask=" + TestFiles.golden("mask.png"),
                        word))
                .failed(1, message);
    }

    static Stream<Arguments> blursThatCannotBeUsedAreTold() {
        return Stream.of(
                Arguments.of("--inpaint_blur_size=-1", "'inpaint_blur_size': must be 0 or more, found -1"),
                Arguments.of("--inpaint_blur_size=4", "'inpaint_blur_size': must be at most 3 for an image of 96 x 64"),
                Arguments.of("--inpaint_blur_sigma=2", "'inpaint_blur_sigma': needs --inpaint_blur_size of 1 or more"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"NaN", "Infinity", "1e300"})
    void aLorasStrengthThatIsNoFactorIsRefused(String alpha) {
        StencilRun.inProcess(words("--lora=" + TestFiles.golden("vae_io.safetensors"), "--lora_alpha=" + alpha))
                .failed(1, "'lora_alpha': must be a number from -1000000 to 1000000, found");
    }

    @Test
    void anEditImageWithoutATokenIsRefused() throws IOException {
        Path small = folder.resolve("small.png");
        RgbImageWriter.write(RgbImage.filled(new ImageSize(1, 1), 0), small);

        StencilRun.inProcess(words("--edit_image=" + small, "--edit_image_auto_resize=false"))
                .failed(1, "'edit_image': an image of 1 x 1 pixels is too small");
    }

    @Test
    void aTemplateWithoutAnInputIsRefused() {
        StencilRun.inProcess(steered())
                .failed(1, "'template_inputs': is missing: Template '" + TestFiles.golden("template_value_a"));
    }

    /// By another spelling of its path, and through links.
    @ParameterizedTest
    @ValueSource(strings = {"input_image", "edit_image", "inpaint_mask", "template_inputs"})
    void anOutputThatIsAnInputIsRefused(String option) throws IOException {
        Path input = Files.createDirectory(folder.resolve("inputs")).resolve("in.png");
        Files.copy(TestFiles.golden("input.png"), input);
        byte[] before = Files.readAllBytes(input);
        Path link = Files.createSymbolicLink(folder.resolve("link.png"), input);
        List<String> given = new ArrayList<>();
        if (option.equals("inpaint_mask")) {
            given.add("--input_image=" + TestFiles.golden("input.png"));
        }
        if (option.equals("template_inputs")) {
            given.add("--template_model_id_or_path=" + TestFiles.golden("template_value_a"));
            given.add("--template_inputs={\"scale\": 1, \"image\": \"%s\"}".formatted(input));
        } else {
            given.add("--" + option + "=" + input);
        }
        for (Path output : List.of(input, folder.resolve("inputs/../inputs/in.png"), link)) {
            List<String> words = new ArrayList<>(given);
            words.add("--output=" + output);
            StencilRun.inProcess(words(words.toArray(String[]::new)))
                    .failed(1, "'output': '%s' is a file of --%s, which it would replace".formatted(output, option));
        }
        assertThat(Files.readAllBytes(input)).isEqualTo(before);
    }

    @Test
    void latentsThatWouldReplaceAModelAreRefused() throws IOException {
        Path vae = Files.createDirectory(folder.resolve("vae"));
        Path weights = vae.resolve("model.safetensors");
        Files.copy(TestFiles.tinyModel("vae/diffusion_pytorch_model.safetensors"), weights);
        Files.copy(TestFiles.tinyModel("vae/config.json"), vae.resolve("config.json"));
        Path link = Files.createLink(folder.resolve("link.safetensors"), weights);
        for (Path model : List.of(vae, weights)) {
            String parts = "[\"%s\", \"%s\", \"%s\"]"
                    .formatted(TestFiles.tinyModel("transformer"), TestFiles.tinyModel("text_encoder"), model);
            Path latents = model.equals(vae) ? weights : link;
            StencilRun.inProcess(words(
                            "--model_paths=" + parts,
                            "--tokenizer_path=" + TestFiles.tinyModel("tokenizer"),
                            "--save_latents=" + latents))
                    .failed(1, "'save_latents': '%s' is a file of the base model".formatted(latents));
        }
    }

    private String[] steered(String... more) {
        List<String> all =
                new ArrayList<>(List.of("--template_model_id_or_path=" + TestFiles.golden("template_value_a")));
        all.addAll(List.of(more));
        return words(all.toArray(String[]::new));
    }

    @ParameterizedTest
    @MethodSource
    void templateInputsNameTheirFault(String json, String message) {
        StencilRun.inProcess(steered("--template_inputs=" + json)).failed(1, message);
    }

    static Stream<Arguments> templateInputsNameTheirFault() {
        return Stream.of(
                Arguments.of("{\"scale\": \"bright\"}", "scale"),
                Arguments.of("{\"scale\": 0.5, \"hue\": 1}", "hue"),
                Arguments.of("{}", "scale"),
                Arguments.of("{\"scale\": 0.5", "template_inputs"),
                Arguments.of("[{\"model_id\": 1, \"scale\": 0.5}]", "'model_id' is 1"));
    }

    @Test
    void aPatternThatMatchesNothingTellsWhatIsThere() throws IOException, InterruptedException {
        StencilProcess.run(folder, words("--model_paths=[\"" + TestFiles.tinyModel("") + "/unet/*.safetensors\"]"))
                .failed(1, "'model_paths': 'unet/*.safetensors' matches no file in", "text_encoder/, tokenizer/");
    }

    @Test
    void anUnknownOptionEndsTheProcessWith2() throws IOException, InterruptedException {
        StencilProcess.run(folder, words("--cfg_scal=2")).failed(2, "'--cfg_scal=2'", "Try 'stencil generate --help'");
    }

    @Test
    void anUnreadablePictureIsNamed() throws IOException, InterruptedException {
        Path picture = Files.writeString(folder.resolve("notes.png"), "not a picture");

        StencilProcess.run(folder, words("--input_image=notes.png")).failed(1, "notes.png: ");
        assertThat(picture).exists();
    }

    @Test
    void wrongTemplateInputsNameTheField() throws IOException, InterruptedException {
        StencilProcess.run(folder, steered("--template_inputs={\"scale\": \"bright\"}"))
                .failed(1, "scale", "bright");
    }

    @Test
    void aMissingTokenizerIsNamed() throws IOException, InterruptedException {
        String parts = "[\"%s\", \"%s\", \"%s\"]"
                .formatted(
                        TestFiles.tinyModel("transformer"),
                        TestFiles.tinyModel("vae"),
                        TestFiles.tinyModel("text_encoder"));

        StencilProcess.run(folder, words("--model_paths=" + parts))
                .failed(1, "'tokenizer_path': is needed: the text encoder has 1280 tokens", "is for 151936");
    }

    @Test
    void aModelCutShortIsNamed() throws IOException, InterruptedException {
        Path broken = folder.resolve("broken.safetensors");
        Files.copy(TestFiles.tinyModel("vae/diffusion_pytorch_model.safetensors"), broken);
        try (RandomAccessFile file = new RandomAccessFile(broken.toFile(), "rw")) {
            file.setLength(file.length() - 1);
        }
        StencilProcess.run(
                        folder,
                        words(
                                "--model_paths=[\"broken.safetensors\"]",
                                "--tokenizer_path=" + TestFiles.tinyModel("tokenizer")))
                .failed(1, "broken.safetensors: ");
    }

    @Test
    void aTemplateThatDoesNotCompileNamesLineAndColumn() throws IOException, InterruptedException {
        Path template = Files.createDirectory(folder.resolve("template"));
        Files.writeString(template.resolve("Model.java"), "public final class Model {\n    int x = \"one\";\n}\n");

        StencilProcess.run(folder, words("--template_model_id_or_path=template", "--template_inputs={}"))
                .failed(1, "Model.java:2");
    }

    @Test
    void aFolderThatIsNoTemplateIsNamed() {
        StencilRun.inProcess(words("--template_model_id_or_path=" + folder)).failed(1, folder.toString());
    }

    @Test
    void debugAddsTheTrace() {
        StencilRun run = StencilRun.inProcess(words("--height=0", "--debug"));

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("\tat io.stencil.");
    }
}
