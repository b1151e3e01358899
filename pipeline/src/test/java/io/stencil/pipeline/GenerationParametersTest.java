package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.image.ImageSize;
import io.stencil.image.ImageTexts;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.json.Json;
import io.stencil.pipeline.GenerationParameters.HashedFile;
import io.stencil.pipeline.GenerationParameters.Lora;
import io.stencil.pipeline.GenerationParameters.Model;
import io.stencil.pipeline.GenerationParameters.Template;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.models.ModelKind;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GenerationParametersTest {

    /// How AUTOMATIC1111's web interface takes the last line apart.
    private static final Pattern FIELD =
            Pattern.compile("\\s*(\\w[\\w \\-/]+):\\s*(\"(?:\\\\.|[^\\\\\"])+\"|[^,]*)(?:,|$)");

    private static final Model MODEL = new Model(
            "klein",
            List.of(
                    List.of(new HashedFile("klein/transformer", "folder:aa")),
                    List.of(new HashedFile("v", "sha256:b"))),
            null,
            "bfloat16",
            "cpu",
            List.of(),
            List.of("text_encoder"),
            512,
            128);

    @TempDir
    private Path folder;

    private static ObjectNode json(String text) throws IOException {
        return (ObjectNode) Json.MAPPER.readTree(text);
    }

    private static GenerationParameters all() throws IOException {
        RgbImage input = RgbImage.filled(new ImageSize(64, 64), 0x336699);
        RgbImage mask = RgbImage.filled(new ImageSize(64, 64), 0);
        GenerationRequest request = GenerationRequest.of("a cat,\na dog: \"both\" 猫")
                .negativePrompt("grey")
                .cfgScale(2.5)
                .size(100, 64)
                .seed(4_000_000_000L)
                .steps(4)
                .denoisingStrength(0.7)
                .inputImage(input)
                .inpaint(new Inpaint(mask, 1, 0.5))
                .build();
        return GenerationParameters.of(request, MODEL)
                .paths(Map.of(input, Path.of("in.png")))
                .loras(List.of(new Lora("loras/style, new.safetensors", "sha256:0123456789abcdef", 0.5)))
                .templates(List.of(new Template("zoo/brightness", "folder:fedcba9876543210")))
                .templateInputs(List.of(json("{\"model_id\": 0, \"scale\": 0.8, \"image\": \"a.png\"}")), List.of())
                .templateImages(List.of(new HashedFile("a.png", "sha256:11")))
                .build();
    }

    @Test
    void theJsonIsReadBack() throws IOException {
        GenerationParameters all = all();
        Path image = folder.resolve("a.png");
        RgbImageWriter.write(RgbImage.filled(new ImageSize(16, 16), 0), image, all.texts());

        assertThat(GenerationParameters.read(image)).isEqualTo(all);
        assertThat(all.json().get("num_inference_steps").asInt()).isEqualTo(4);
        assertThat(all.json().get("seed").asLong()).isEqualTo(4_000_000_000L);
        assertThat(all.json().at("/images/input_image/path").asText()).isEqualTo("in.png");
        assertThat(all.json().at("/images/inpaint_mask/path").isMissingNode()).isTrue();
        assertThat(all.json().at("/model/parts/0/0/hash").asText()).isEqualTo("folder:aa");
    }

    /// The last line comes apart by the web interface's own pattern, into values that its users know.
    @Test
    void theTextIsReadAsTheWebInterfaceReadsIt() throws IOException {
        List<String> lines = all().texts().parameters().lines().toList();
        assertThat(lines.subList(0, 3)).containsExactly("a cat,", "a dog: \"both\" 猫", "Negative prompt: grey");
        assertThat(lines).hasSize(4);
        Map<String, String> fields = new LinkedHashMap<>();
        Matcher matcher = FIELD.matcher(lines.get(3));
        while (matcher.find()) {
            String value = matcher.group(2);
            fields.put(matcher.group(1), value.startsWith("\"") ? Json.MAPPER.readValue(value, String.class) : value);
        }
        assertThat(fields)
                .containsEntry("Steps", "4")
                .containsEntry("Sampler", "Euler")
                .containsEntry("CFG scale", "2.5")
                .containsEntry("Seed", "4000000000")
                .containsEntry("Size", "64x112")
                .containsEntry("Model", "klein")
                .containsEntry("Denoising strength", "0.7")
                .containsEntry("Lora hashes", "style, new: 0123456789")
                .containsEntry("Templates", "brightness: fedcba9876")
                .containsEntry("Template inputs", "[{\"model_id\":0,\"scale\":0.8,\"image\":\"a.png\"}]");
        assertThat(fields.get("Model hash")).matches("[0-9a-f]{10}");
        assertThat(fields.get("Version")).startsWith("Stencil ");
    }

    /// A plain request has no values that say nothing.
    @Test
    void whatIsNotUsedIsLeftOut() {
        GenerationParameters plain = GenerationParameters.of(
                        GenerationRequest.of("a cat").defaults(ModelKind.OTHER).build(), MODEL)
                .build();
        assertThat(plain.json().fieldNames())
                .toIterable()
                .containsExactly(
                        "stencil_version",
                        "prompt",
                        "height",
                        "width",
                        "seed",
                        "num_inference_steps",
                        "cfg_scale",
                        "embedded_guidance",
                        "denoising_strength",
                        "model");
        assertThat(plain.texts().parameters())
                .startsWith("a cat\nSteps: 30, Sampler: Euler, CFG scale: 1, Seed: 0, Size: 1024x1024,");
    }

    @Test
    void aModelIsItsFilesAndHowTheyAreLoaded() {
        LoadOptions load =
                new LoadOptions(DType.FLOAT32, Device.CPU).withFloat8(Set.of(ModelRole.TRANSFORMER, ModelRole.VAE));
        Model model = Model.of(ModelFiles.in(TestFiles.tinyModel("")), load);
        assertThat(model.name()).isEqualTo("tiny-flux2");
        assertThat(model.dtype()).isEqualTo("float32");
        assertThat(model.fp8Models()).containsExactly("transformer", "vae");
        assertThat(model.tileSize()).isNull();
        assertThat(model.parts()).hasSize(3).allSatisfy(part -> {
            assertThat(part).hasSize(1);
            assertThat(part.getFirst().hash()).matches("folder:[0-9a-f]{64}");
        });
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            []                                | must be an object
            {}                                | is missing
            {"prompt": 1}                     | prompt: must be a string
            {"prompt": "a", "height": "much"} | height: must be a whole number
            {"prompt": "a", "prompt": "b"}    | is not JSON: Duplicate field 'prompt'
            {"prompt": "a                     | is not JSON
            """)
    void malformedParametersAreRefusedWithTheirPlace(String json, String message) throws IOException {
        Path image = folder.resolve("a.png");
        RgbImageWriter.write(RgbImage.filled(new ImageSize(16, 16), 0), image, new ImageTexts("", json));
        assertThatThrownBy(() -> GenerationParameters.read(image))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(image + ": 'stencil': ")
                .hasMessageContaining(message);
    }

    @Test
    void anImageWithoutParametersIsRefused() throws IOException {
        Path image = Files.copy(TestFiles.golden("input.png"), folder.resolve("a.png"));
        assertThatThrownBy(() -> GenerationParameters.read(image))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("carries no parameters of Stencil (text 'stencil')");
    }

    /// Values of a later version that this one does not know are left alone.
    @Test
    void unknownValuesAreIgnored() throws IOException {
        ObjectNode later = all().json();
        later.put("sampler", "heun");
        assertThat(GenerationParameters.parse(Location.ofField("json"), later.toString()))
                .isEqualTo(all());
    }
}
