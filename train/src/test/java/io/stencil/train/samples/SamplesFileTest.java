package io.stencil.train.samples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.models.ModelKind;
import io.stencil.train.samples.SamplePlan.PlannedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SamplesFileTest {

    private static final ImageSize SIZE = new ImageSize(48, 32);

    @TempDir
    private Path folder;

    private Path write(String... rows) throws IOException {
        return Files.write(folder.resolve("samples.jsonl"), Arrays.asList(rows));
    }

    private SamplePlan read(String... rows) throws IOException {
        return new SamplesFile(write(rows), SIZE).read(true);
    }

    @Test
    void aRowOfAPromptHasTheDefaultsOfGenerateAndTheSizeOfTraining() throws IOException {
        GenerationRequest request =
                read("{\"prompt\": \"a wall\"}").images().getFirst().request();
        assertThat(request)
                .isEqualTo(GenerationRequest.of("a wall")
                        .size(32, 48)
                        .defaults(ModelKind.OTHER)
                        .build());
    }

    @Test
    void aRowHasTheNamesOfTheOptionsOfGenerate() throws IOException {
        RgbImage edit = RgbImage.filled(new ImageSize(32, 32), 0x102030);
        RgbImageWriter.write(edit, folder.resolve("e.png"));
        PlannedImage image = read("""
                {"prompt": "a wall", "negative_prompt": "grey", "cfg_scale": 3, "embedded_guidance": 2.5, "height": 64,\
                 "width": 80, "seed": 7, "num_inference_steps": 4, "edit_image": "e.png",\
                 "edit_image_auto_resize": false, "template_inputs": {"scale": 0.8},\
                 "negative_template_inputs": [{"scale": 0.5, "model_id": 0}]}""").images().getFirst();
        GenerationRequest request = image.request();
        assertThat(request.negative().prompt()).isEqualTo("grey");
        assertThat(request.cfgScale()).isEqualTo(3);
        assertThat(request.embeddedGuidance()).isEqualTo(2.5);
        assertThat(request.height()).isEqualTo(64);
        assertThat(request.width()).isEqualTo(80);
        assertThat(request.seed()).isEqualTo(7);
        assertThat(request.steps()).isEqualTo(4);
        assertThat(Objects.requireNonNull(request.image().edit()).images()).containsExactly(edit);
        assertThat(request.image().edit().autoResize()).isFalse();
        assertThat(image.positive().getFirst().fields()).hasToString("{\"scale\":0.8}");
        assertThat(image.positive().getFirst().modelId()).isEqualTo(SamplePlan.INPUTS);
        assertThat(image.positive().getFirst().folder()).isEqualTo(folder);
        assertThat(image.negative().getFirst().fields()).hasToString("{\"scale\":0.5}");
        assertThat(image.caption())
                .isEqualTo("a wall: scale 0.8, negative scale 0.5, model_id 0, seed 7, cfg_scale 3,"
                        + " num_inference_steps 4");
        assertThat(image.files()).containsExactly(Map.entry(edit, folder.resolve("e.png")));
    }

    @Test
    void anArrayIsReadToo() throws IOException {
        Path file = folder.resolve("samples.json");
        Files.writeString(file, "[{\"prompt\": \"a\"}, {\"prompt\": \"b\"}]");
        assertThat(new SamplesFile(file, SIZE).read(false).images())
                .extracting(PlannedImage::line)
                .containsExactly("a", "b");
    }

    private void assertRefused(String row, String message) throws IOException {
        Path file = write("{\"prompt\": \"fine\"}", row);
        assertThatThrownBy(() -> new SamplesFile(file, SIZE).read(true))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(file + ":2: " + message);
    }

    @Test
    void whatCannotBeUsedIsNamedWithItsLine() throws IOException {
        assertRefused("{\"seed\": 1}", "prompt: is missing");
        assertRefused("{\"prompt\": \"a\", \"sed\": 1}", "sed: is not a known field");
        assertRefused("{\"prompt\": \"a\", \"seed\": 1.5}", "seed: must be a whole number, found 1.5");
        assertRefused("{\"prompt\": \"a\", \"seed\": -1}", "'seed': must be 0 to 4294967295, found -1");
        assertRefused("{\"prompt\": \"a\", \"cfg_scale\": \"3\"}", "cfg_scale: must be a number, found \"3\"");
        assertRefused("{\"prompt\": \"a\", \"template_inputs\": 3}", "'template_inputs': must be an object");
        assertRefused(
                "{\"prompt\": \"a\", \"negative_template_inputs\": {\"model_id\": 1}}",
                "'negative_template_inputs': has 'model_id' 1; a run has one Template, 0");
        assertRefused(
                "{\"prompt\": \"a\", \"edit_image\": \"gone.png\"}", "'edit_image': " + folder.resolve("gone.png"));
        assertRefused("{\"prompt\": \"a\", \"edit_image\": 3}", "'edit_image': must be the path of an image");
        assertRefused("[]", "a row must be a JSON object");
    }

    @Test
    void allRowsThatCannotBeUsedAreNamed() throws IOException {
        Path file =
                write("{\"prompt\": 1}", "{\"prompt\": \"fine\"}", "{\"prompt\": \"a\", \"num_inference_steps\": 0}");
        assertThatThrownBy(() -> new SamplesFile(file, SIZE).read(true))
                .hasMessage(
                        "%s: 2 rows cannot be used: %s:1: prompt: must be a string, found 1; %s:3: 'num_inference_steps': must be at least 1 and at most 1000000, found 0",
                        file, file, file);
    }

    @Test
    void inputsNeedATemplateAndRowsASize() throws IOException {
        Path file = write("{\"prompt\": \"a\", \"template_inputs\": {\"scale\": 1}}");
        assertThatThrownBy(() -> new SamplesFile(file, SIZE).read(false))
                .hasMessage(
                        "%s:1: 'template_inputs': needs a Template, and the run has none (--template_model_id_or_path); leave it out",
                        file);
        assertThatThrownBy(() -> new SamplesFile(file, null).read(true)).hasMessage(file + ":1: height: is missing");
    }

    @Test
    void theFileItselfIsChecked() {
        Path absent = folder.resolve("absent.jsonl");
        assertThatThrownBy(() -> new SamplesFile(absent, SIZE).read(true))
                .hasMessage(absent + ": does not exist; check --samples");
        assertThatThrownBy(() -> new SamplesFile(folder.resolve("a.csv"), SIZE).read(true))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'samples': expected a .json or .jsonl file, found '%s'", folder.resolve("a.csv"));
    }
}
