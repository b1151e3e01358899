package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.image.RgbImageWriter;
import io.stencil.lab.evaluate.Measures;
import io.stencil.lab.world.DatasetWriter;
import io.stencil.lab.world.Draws;
import io.stencil.lab.world.Scene;
import io.stencil.lab.world.Statistics;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
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
            assertThat(folders.filter(Files::isDirectory)
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
        assertThat(output.resolve("step-2.safetensors")).isNotEmptyFile();
    }
}
