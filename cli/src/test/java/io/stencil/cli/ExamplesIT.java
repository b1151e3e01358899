package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.image.RgbImageWriter;
import io.stencil.json.Json;
import io.stencil.lab.evaluate.Measures;
import io.stencil.lab.world.DatasetWriter;
import io.stencil.lab.world.Draws;
import io.stencil.lab.world.Scene;
import io.stencil.lab.world.Statistics;
import io.stencil.testing.TestFiles;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The folders of `examples`: each trains, and what is committed steers.
class ExamplesIT {

    private static final Path EXAMPLES = TestFiles.root().resolve("examples");

    @TempDir
    private Path temporary;

    @Test
    void everyExampleIsTrainedAndMeasured() throws IOException {
        List<String> measured = Measures.ALL.stream()
                .flatMap(measure -> measure.templates().stream())
                .distinct()
                .sorted()
                .toList();

        try (Stream<Path> folders = Files.list(EXAMPLES)) {
            assertThat(folders.filter(folder -> Files.exists(folder.resolve("Model.java")))
                            .map(folder -> folder.getFileName().toString())
                            .sorted())
                    .containsExactlyElementsOf(measured);
        }
        assertThat(measured)
                .allSatisfy(name -> assertThat(EXAMPLES.resolve(name).resolve("model.safetensors"))
                        .exists());
    }

    /// A part of what `stencil evaluate` measures: keys and values of a number and of a picture, and LoRAs.
    @Test
    void theCommittedWeightsSteer() {
        StencilRun run = StencilRun.inProcess(
                "evaluate", "brightness", "control", "styles", "--share=0.2", "--output_path=" + temporary);

        assertThat(run.succeeded().out())
                .contains("Spearman of scale and brightness", "overlap without the Template")
                .doesNotContain("MISSED");
        assertThat(temporary.resolve("index.html")).content().contains("data:image/png;base64,");
        assertThat(temporary.resolve("evaluation.json")).content().contains("\"holds\" : true");
    }

    /// A Template of one's own is measured as the example is: the same weights give the same numbers.
    @Test
    void aTemplateOfOnesOwnIsMeasuredTheSameWay() throws IOException {
        Path own = Files.createDirectory(temporary.resolve("own"));
        for (String file : List.of("Model.java", "model.safetensors")) {
            Files.copy(EXAMPLES.resolve("brightness").resolve(file), own.resolve(file));
        }
        JsonNode example = evaluated("example", "brightness");
        JsonNode copy = evaluated("copy", "brightness", "--template=brightness=" + own);
        assertThat(copy.findValues("figures")).isEqualTo(example.findValues("figures"));
        JsonNode mine = evaluated("mine", own.toString(), "--input=scale=0..1", "--seeds=778,779");
        assertThat(mine.findValuesAsText("name"))
                .contains(own + ".scale", "Spearman of scale and saturation, within a caption");
        JsonNode brightness =
                evaluated("brightness", own.toString(), "--input=scale=0..1", "--statistic=brightness", "--seed=779");
        JsonNode ofSeed = brightness.findValues("figures").getFirst();
        JsonNode ofSeeds = mine.findValues("figures").getFirst();
        assertThat(ofSeeds.get(0).get("name")).isEqualTo(ofSeed.get(0).get("name"));
        assertThat(ofSeeds.get(0).get("values").get(1)).isEqualTo(ofSeed.get(0).get("value"));
        assertThat(ofSeeds.get(0).get("values")).hasSize(2);
        JsonNode wide = evaluated("wide", own.toString(), "--input=scale=0..1", "--height=32", "--width=80");
        assertThat(wide.get("how").asText()).contains("images of 80 x 32 pixels");
        Matcher png = Pattern.compile("data:image/png;base64,([A-Za-z0-9+/=]+)")
                .matcher(Files.readString(temporary.resolve("wide/index.html")));
        assertThat(png.find()).isTrue();
        BufferedImage shown =
                ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode(png.group(1))));
        assertThat(List.of(shown.getWidth(), shown.getHeight())).containsExactly(80, 32);
    }

    private JsonNode evaluated(String output, String... words) throws IOException {
        Path folder = temporary.resolve(output);
        List<String> all = new ArrayList<>(List.of("evaluate", "--share=0.01", "--num_inference_steps=2"));
        all.addAll(List.of(words));
        all.add("--output_path=" + folder);
        StencilRun run = StencilRun.inProcess(all.toArray(String[]::new));
        // With so few images and steps it may miss a target.
        assertThat(run.exitCode()).as(run.err()).isBetween(0, 1);
        return Json.MAPPER.readTree(folder.resolve("evaluation.json").toFile());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            evaluate --input=scale=0..1                          | 'NAME': expected the folder of one Template beside --input, found none
            evaluate a b --input=scale=0..1                      | 'NAME': expected the folder of one Template beside --input, found a, b
            evaluate absent --input=scale=0..1                   | 'absent' is not a directory
            evaluate absent --input=scale                        | 'input': expected NAME=MIN..MAX
            evaluate absent --input=a=0..1 --statistic=x         | 'statistic': expected one of
            evaluate absent --input=a=0..1 --template_inputs=[]  | 'template_inputs': expected the inputs of one Template, found 0
            evaluate absent --input=a=0..1 --templates=examples  | 'templates': is for example Templates; beside --input the Template is 'absent'
            evaluate absent --input=a=0..1 --height=70           | 'height': must be a positive multiple of 16, found 70; use 64
            evaluate frame --width=96                            | 'width': belongs to a Template of your own; add --input NAME=MIN..MAX
            evaluate frame --template_inputs={}                  | 'template_inputs': belongs to a Template of your own; add --input NAME=MIN..MAX
            """)
    void malformedInputsOfOwnTemplatesAreRefused(String line, String message) {
        StencilRun run = StencilRun.inProcess(line.split(" "));
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains(message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --template=frame           | 'template': expected NAME=DIR, found 'frame'
            --template=edit=src         | 'template': no chosen measurement uses a Template 'edit'; they use frame
            --template=frame=src       | holds no model.safetensors; train it first
            --template=frame=absent    | 'absent' is not a directory
            --templates=src            | src/frame: does not exist; name the folder of this Template: --template frame=DIR
            --templates=absent         | 'templates': 'absent' is not a directory
            """)
    void foldersThatCannotBeMeasuredAreRefused(String option, String message) {
        StencilRun run = StencilRun.inProcess("evaluate", "frame", option);
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains(message);
    }

    /// Weights are those that the Template's code names, in one file or in shards.
    @Test
    void weightsAreWhereTheTemplateNamesThem() throws IOException {
        Path own = Files.createDirectory(temporary.resolve("own"));
        String code = Files.readString(EXAMPLES.resolve("brightness/Model.java"));
        assertThat(code).contains("\"model.safetensors\"");
        Files.writeString(own.resolve("Model.java"), code.replace("\"model.safetensors\"", "\"w.safetensors\""));
        StencilRun absent = StencilRun.inProcess("evaluate", own.toString(), "--input=scale=0..1");
        assertThat(absent.err()).contains(own + ": holds no model.safetensors; train it first");
        Files.copy(EXAMPLES.resolve("brightness/model.safetensors"), own.resolve("w.safetensors"));
        assertThat(evaluated("renamed", own.toString(), "--input=scale=0..1").findValues("figures"))
                .hasSize(1);
    }

    /// With `force_inpaint` what the mask keeps is the picture that was given, in each sample.
    @Test
    void whatInpaintingKeepsStaysAsItIs() throws IOException {
        Scene.Inpaint scene = Scene.Inpaint.of(new Draws(3, 0), new ImageSize(64, 64));
        RgbImageWriter.write(scene.source(), temporary.resolve("before.png"));
        RgbImageWriter.write(scene.mask(), temporary.resolve("mask.png"));

        RgbImage forced = inpainted(true);
        RgbImage free = inpainted(false);

        assertThat(Statistics.differenceOutside(scene.mask(), scene.source(), forced))
                .isZero();
        assertThat(Statistics.differenceInside(scene.mask(), scene.source(), forced))
                .isPositive();
        assertThat(Statistics.differenceOutside(scene.mask(), scene.source(), free))
                .isPositive();
    }

    private RgbImage inpainted(boolean force) {
        Path output = temporary.resolve(force + ".png");
        StencilRun.inProcess(
                        "generate",
                        "--model_paths=" + TestFiles.root().resolve("models/tiny-klein"),
                        "--template_model_id_or_path=" + EXAMPLES.resolve("inpaint"),
                        "--template_inputs={\"image\": \"%s\", \"mask\": \"%s\", \"force_inpaint\": %s}"
                                .formatted(temporary.resolve("before.png"), temporary.resolve("mask.png"), force),
                        "--prompt=a small red circle in the center, gray background",
                        "--height=64",
                        "--width=64",
                        "--num_inference_steps=4",
                        "--output=" + output)
                .succeeded();
        return RgbImageReader.read(output);
    }

    @ParameterizedTest
    @CsvSource({
        "brightness, BRIGHTNESS",
        "soft-rgb, RGB",
        "sharpness, SHARPNESS",
        "count, ORDINAL",
        "frame, CONSTANT",
        "control, CONTROL",
        "edit, EDIT",
        "upscale, UPSCALE",
        "inpaint, INPAINT",
        "styles, STYLE",
        "palette, REFERENCE"
    })
    void everyExampleTrains(String name, DatasetWriter.Kind kind) throws IOException {
        Path template = Files.createDirectory(temporary.resolve(name));
        Files.copy(EXAMPLES.resolve(name).resolve("Model.java"), template.resolve("Model.java"));
        Path data = temporary.resolve("data");
        Path output = temporary.resolve("output");
        StencilRun.inProcess(
                        "dataset",
                        "--kind=" + kind.name().toLowerCase(Locale.ROOT),
                        "--count=4",
                        "--output_path=" + data)
                .succeeded();

        StencilRun.inProcess(
                        "train",
                        "--model_paths=" + TestFiles.root().resolve("models/tiny-klein"),
                        "--dtype=float32",
                        "--template_model_id_or_path=" + template,
                        "--trainable_models=template_model",
                        "--dataset_metadata_path=" + data.resolve("metadata.jsonl"),
                        "--extra_inputs=template_inputs",
                        "--height=64",
                        "--width=64",
                        "--batch_size=2",
                        "--max_steps=2",
                        "--seed=1",
                        "--output_path=" + output)
                .succeeded();
        assertThat(output.resolve("checkpoints/step-2.safetensors")).isNotEmptyFile();
    }
}
