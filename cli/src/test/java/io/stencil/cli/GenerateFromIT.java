package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.image.ImageSize;
import io.stencil.image.ImageTexts;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.image.RgbImageWriter;
import io.stencil.json.Json;
import io.stencil.pipeline.GenerationParameters;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `stencil generate --from`: an image carries all that it takes to generate it again.
class GenerateFromIT {

    @TempDir
    private Path folder;

    private Path model;
    private Path lora;
    private Path template;
    private Path edit;

    @BeforeEach
    void copy() throws IOException {
        model = TestFiles.tinyModel("");
        lora = Files.copy(
                TestFiles.golden("formats/lora/diffusers.safetensors"), folder.resolve("style=2.safetensors"));
        template = Files.createDirectory(folder.resolve("template"));
        Files.copy(TestFiles.golden("template_value_a/model.safetensors"), template.resolve("model.safetensors"));
        edit = folder.resolve("edit.png");
        RgbImageWriter.write(RgbImage.filled(new ImageSize(32, 48), 0x4080C0), edit);
    }

    private String at(String name) {
        return folder.resolve(name).toString();
    }

    private StencilRun generate(String... more) {
        List<String> words = new ArrayList<>(List.of("generate"));
        words.addAll(List.of(more));
        return StencilRun.inProcess(words.toArray(String[]::new));
    }

    /// Generates an image with all kinds of values.
    private void generateAll(String output, String... more) {
        List<String> words = new ArrayList<>(List.of(
                "--model_paths=" + model,
                "--dtype=float32",
                "--prompt=a \"b\"\n--output=c, @file ${user.home} \u732b",
                "--negative_prompt=grey",
                "--cfg_scale=2",
                "--seed=4000000000",
                "--height=40",
                "--width=64",
                "--num_inference_steps=2",
                "--edit_image=" + edit,
                "--edit_image_auto_resize=false",
                "--lora=" + lora + "=0.5",
                "--tiled",
                "--tile_size=48",
                "--template_model_id_or_path=" + template,
                "--template_inputs={\"scale\": 0.8}",
                "--negative_template_inputs={\"scale\": 0.25}",
                "--output=" + at(output)));
        words.addAll(List.of(more));
        generate(words.toArray(String[]::new)).succeeded();
    }

    @Test
    void theSameBytesComeOut() throws IOException {
        generateAll("a.png");
        generate("--from=" + at("a.png"), "--output=" + at("b.png")).succeeded();
        assertThat(folder.resolve("b.png")).hasSameBinaryContentAs(folder.resolve("a.png"));

        // One value of another kind each time; all others stay.
        generate("--from", at("a.png"), "--seed", "8", "--output", at("c.jpg")).succeeded();
        ObjectNode changed = GenerationParameters.read(folder.resolve("c.jpg")).json();
        ObjectNode first = GenerationParameters.read(folder.resolve("a.png")).json();
        assertThat(changed.get("seed").asLong()).isEqualTo(8);
        assertThat(changed.without("seed").equals(first.without("seed"))).isTrue();

        generate("--from=" + at("c.jpg"), "--seed=4000000000", "--output=" + at("d.webp"))
                .succeeded();
        generate("--from=" + at("d.webp"), "--output=" + at("e.png")).succeeded();
        assertThat(folder.resolve("e.png")).hasSameBinaryContentAs(folder.resolve("a.png"));
    }

    @Test
    void anInputImageAndItsMaskComeBack() throws IOException {
        generate(
                        "--model_paths=" + model,
                        "--prompt=a cat",
                        "--height=64",
                        "--width=96",
                        "--num_inference_steps=2",
                        "--input_image=" + TestFiles.golden("input.png"),
                        "--inpaint_mask=" + TestFiles.golden("mask.png"),
                        "--inpaint_blur_size=1",
                        "--inpaint_overlay",
                        "--denoising_strength=0.6",
                        "--output=" + at("a.png"))
                .succeeded();
        generate("--from=" + at("a.png"), "--output=" + at("b.png")).succeeded();
        assertThat(folder.resolve("b.png")).hasSameBinaryContentAs(folder.resolve("a.png"));
        // What belongs to an option goes with it.
        generate("--from=" + at("a.png"), "--output=" + at("c.png"), "--inpaint_blur_size=0")
                .succeeded();
    }

    /// Each file that has changed or gone is one error with what to do; naming the file makes it a choice.
    @Test
    void changedFilesAreRefused() throws IOException {
        generateAll("a.png");
        String again = "--from=" + at("a.png");
        String output = "--output=" + at("b.png");

        RgbImageWriter.write(RgbImage.filled(new ImageSize(32, 48), 0x4080C1), edit);
        generate(again, output)
                .failed(1, edit + ": is not what generated '%s': hash ".formatted(at("a.png")), "by --edit_image");
        generate(again, output, "--edit_image=" + edit, "--num_inference_steps=1")
                .succeeded();
        Files.delete(edit);
        generate(again, output)
                .failed(1, edit + ": no such file or folder; '%s' was generated with it".formatted(at("a.png")));
        RgbImageWriter.write(RgbImage.filled(new ImageSize(32, 48), 0x4080C0), edit);

        Files.copy(TestFiles.golden("formats/lora/ai_toolkit.safetensors"), folder.resolve("other.safetensors"));
        Files.move(lora, folder.resolve("moved.safetensors"));
        generate(again, output).failed(1, lora + ": no such file", "name another by --lora");
        Files.move(folder.resolve("other.safetensors"), lora);
        generate(again, output).failed(1, lora + ": is not what generated", "by --lora");
        Files.delete(lora);
        Files.move(folder.resolve("moved.safetensors"), lora);

        Files.writeString(template.resolve("config.json"), "{}");
        generate(again, output).failed(1, template + ": is not what generated", "by --template_model_id_or_path");
    }

    /// What an image says may be anyone's words: they are values and nothing else.
    @Test
    void anImageOfOthersIsHarmless() throws IOException {
        generateAll("a.png");
        ObjectNode json = GenerationParameters.read(folder.resolve("a.png")).json();
        ObjectNode model = (ObjectNode) json.get("model");
        ((ObjectNode) model.at("/parts/0/0")).put("path", "owner/name:\u001b[2Jtransformer");
        refuse(json, "owner/name:\\u001b[2Jtransformer: no such file or folder", "name another by --model_paths");

        ((ObjectNode) model.at("/parts/0/0")).put("path", "x".repeat(100_000));
        refuse(json, "'model_paths': is a path of 100000 characters, more than 4096");

        ((ObjectNode) model.at("/parts/0/0")).put("path", "/dev/zero");
        refuse(json, "/dev/zero: no such file or folder");

        JsonNode inputs = json.get("template_inputs").deepCopy();
        ((ObjectNode) json.at("/template_inputs/0")).put("scale", lora.toString());
        StencilRun unhashed =
                generate("--from=" + image(json), "--output=" + at("b.png"), "--model_paths=" + this.model);
        unhashed.failed(1, "names '%s' in its Template inputs without a hash".formatted(lora));
        json.set("template_inputs", inputs);

        json.put("prompt", "--output=" + at("c.png"));
        StencilRun option = generate("--from=" + image(json), "--output=" + at("b.png"), "--model_paths=" + this.model);
        option.failed(2, "Expected parameter for option '--prompt' but found '--output=");
        assertThat(folder.resolve("c.png")).doesNotExist();

        json.put("prompt", "x".repeat(ImageTexts.MAX_BYTES));
        refuse(json, "has more than 1048576 bytes of text under 'stencil'");
    }

    private Path image(ObjectNode json) throws IOException {
        Path image = folder.resolve("others.png");
        RgbImageWriter.write(RgbImage.filled(new ImageSize(16, 16), 0), image, new ImageTexts("", json.toString()));
        return image;
    }

    private void refuse(ObjectNode json, String... parts) throws IOException {
        StencilRun run = generate("--from=" + image(json), "--output=" + at("b.png"));
        run.failed(1, parts);
        assertThat(run.err()).hasSizeLessThan(1000);
        assertThat(folder.resolve("b.png")).doesNotExist();
    }

    /// Code that an image names runs when the user named it before, on this machine, or consents.
    @Test
    void codeThatAnImageNamesNeedsConsent() throws IOException, InterruptedException {
        Path coded = Files.createDirectory(folder.resolve("coded"));
        try (Stream<Path> files = Files.list(TestFiles.root().resolve("examples/brightness"))) {
            for (Path file : files.toList()) {
                Files.copy(file, coded.resolve(file.getFileName()));
            }
        }
        String own = at("own");
        run(
                        own,
                        "--model_paths=" + TestFiles.root().resolve("models/tiny-klein"),
                        "--prompt=a large red circle",
                        "--height=32",
                        "--width=32",
                        "--num_inference_steps=2",
                        "--template_model_id_or_path=coded",
                        "--template_inputs={\"scale\": 0.8}",
                        "--output=a.png")
                .succeeded();
        run(own, "--from=a.png", "--output=b.png").succeeded();
        assertThat(folder.resolve("b.png")).hasSameBinaryContentAs(folder.resolve("a.png"));

        String[] again = {"--from=a.png", "--output=c.png"};
        run(at("other"), again)
                .failed(
                        1,
                        "coded/Model.java: is code that the image names and that you never named yourself (SHA-256 ",
                        "and is not run; read it, then name its folder by --template_model_id_or_path, or pass --trust_remote_code");
        assertThat(folder.resolve("c.png")).doesNotExist();
        run(at("other"), "--from=a.png", "--output=c.png", "--trust_remote_code")
                .succeeded();
        assertThat(folder.resolve("c.png")).hasSameBinaryContentAs(folder.resolve("a.png"));
        assertThat(StencilRun.content(folder.resolve("other"))).isEmpty();
    }

    private StencilRun run(String configuration, String... more) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(List.of("generate"));
        words.addAll(List.of(more));
        return StencilProcess.start(folder, Map.of("STENCIL_CONFIG_HOME", configuration), words.toArray(String[]::new))
                .await();
    }

    /// A sample of a training is of weights that no file holds.
    @Test
    void aSampleOfATrainingNeedsItsCheckpoint() throws IOException {
        generateAll("a.png");
        ObjectNode json = GenerationParameters.read(folder.resolve("a.png")).json();
        json.put("step", 500);
        ((ObjectNode) ((ArrayNode) json.get("templates")).get(0)).remove("hash");
        refuse(
                json,
                "others.png: is a sample of a training (step 500)",
                "name the checkpoint by --template_model_id_or_path, --lora or --model_paths");
        generate("--from=" + at("others.png"), "--output=" + at("b.png"), "--template_model_id_or_path=" + template)
                .succeeded();
        assertThat(RgbImageReader.read(folder.resolve("b.png")))
                .isEqualTo(RgbImageReader.read(folder.resolve("a.png")));
    }

    @Test
    void inspectShowsWhatAnImageCarries() throws IOException {
        generateAll("a.png");
        StencilRun run = StencilRun.inProcess("inspect", at("a.png")).succeeded();
        assertThat(run.out().lines())
                .contains(
                        at("a.png") + ": image",
                        "  size         64 x 48 pixels",
                        "  prompt       a \"b\"\\n--output=c, @file ${user.home} \u732b",
                        "  seed         4000000000",
                        "  template_inputs {\"model_id\":0,\"scale\":0.8}",
                        "  name         tiny-flux2");

        Path other = folder.resolve("other.png");
        RgbImageWriter.write(
                RgbImage.filled(new ImageSize(16, 16), 0), other, new ImageTexts("a cat\nSteps: 4, Seed: 1", ""));
        assertThat(StencilRun.inProcess("inspect", other.toString())
                        .succeeded()
                        .out()
                        .lines())
                .containsExactly(
                        other + ": image",
                        "  size         16 x 16 pixels",
                        "  parameters   a cat",
                        "  parameters   Steps: 4, Seed: 1");
        assertThat(Json.MAPPER
                        .readTree(ImageTexts.read(folder.resolve("a.png"))
                                .orElseThrow()
                                .json())
                        .get("stencil_version"))
                .isNotNull();
    }
}
