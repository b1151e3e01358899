package io.stencil.train.samples;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.TemplateInput;
import io.stencil.train.data.Dataset;
import io.stencil.train.options.DataOptions.ExtraInput;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.samples.SamplePlan.PlannedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetSamplesTest {

    @TempDir
    private Path folder;

    /// A plan for rows of 32 x 48 pixels.
    ///
    /// @param inputs of each row
    private SamplePlan plan(String... inputs) throws IOException {
        Dataset rows = dataset(Set.of(ExtraInput.TEMPLATE_INPUTS), inputs);
        return new DatasetSamples(rows, rows.rows(), true).plan();
    }

    private Dataset dataset(Set<ExtraInput> extra, String... inputs) throws IOException {
        RgbImageWriter.write(RgbImage.filled(new ImageSize(48, 32), 0x808080), folder.resolve("a.png"));
        List<String> rows = IntStream.range(0, inputs.length)
                .mapToObj(row -> """
                        {"image": "a.png", "edit_image": "a.png", "prompt": "wall %s", "template_inputs": %s}""".formatted(row, inputs[row]))
                .toList();
        Path metadata = folder.resolve("metadata.jsonl");
        Files.write(metadata, rows);
        return Dataset.read(
                TrainOptions.builder(new ModelFiles(List.of(), null), folder, metadata, folder.resolve("run"))
                        .template(folder)
                        .trainable(List.of("template_model"))
                        .extraInputs(extra)
                        .build()
                        .data());
    }

    private static List<String> inputs(SamplePlan plan) {
        return plan.images().stream()
                .map(image -> image.positive().isEmpty()
                        ? ""
                        : image.positive().getFirst().fields().toString())
                .toList();
    }

    private static List<String> labels(SamplePlan plan) {
        return plan.images().stream().map(PlannedImage::label).toList();
    }

    private static List<String> prompts(SamplePlan plan) {
        return plan.images().stream()
                .map(image -> image.request().positive().prompt() + "/"
                        + image.request().seed())
                .toList();
    }

    @Test
    void aNumberIsSweptOverItsRangeWithOnePromptAndOneSeed() throws IOException {
        SamplePlan plan = plan("{\"scale\": 0.5}", "{\"scale\": 0.1}", "{\"scale\": 1.0}");
        assertThat(inputs(plan))
                .containsExactly("{\"scale\":0.1}", "{\"scale\":0.4}", "{\"scale\":0.7}", "{\"scale\":1.0}");
        assertThat(labels(plan)).containsExactly("scale 0.1", "scale 0.4", "scale 0.7", "scale 1.0");
        assertThat(prompts(plan)).containsOnly("wall 0/0");
        PlannedImage first = plan.images().getFirst();
        TemplateInput input = first.positive().getFirst();
        assertThat(input.modelId()).isEqualTo(SamplePlan.ROWS);
        assertThat(input.folder()).isEqualTo(folder);
        GenerationRequest request = first.request();
        assertThat(request.height()).isEqualTo(32);
        assertThat(request.width()).isEqualTo(48);
        assertThat(request.steps()).isEqualTo(30);
        assertThat(request.cfgScale()).isEqualTo(1);
        assertThat(first.files()).isEmpty();
        assertThat(plan.names()).startsWith("01-scale-0.1", "02-scale-0.4");
    }

    /// Prompts and other inputs are those of held-out rows.
    @Test
    void aSweepCoversTheRangeOfAllRows() throws IOException {
        Dataset all = dataset(
                Set.of(ExtraInput.TEMPLATE_INPUTS), "{\"scale\": 0.25}", "{\"scale\": 1.0}", "{\"scale\": 0.5}");
        Dataset heldOut = new Dataset(all.rows().subList(2, 3), List.of(), List.of(0, 1), all.folder(), all.size());
        SamplePlan plan = new DatasetSamples(heldOut, all.rows(), true).plan();
        assertThat(labels(plan)).containsExactly("scale 0.25", "scale 0.5", "scale 0.75", "scale 1.0");
        assertThat(prompts(plan)).containsOnly("wall 2/0");
    }

    @Test
    void wholeNumbersStayWhole() throws IOException {
        assertThat(inputs(plan("{\"n\": 1}", "{\"n\": 6}")))
                .containsExactly("{\"n\":1}", "{\"n\":3}", "{\"n\":4}", "{\"n\":6}");
        assertThat(inputs(plan("{\"n\": 2}", "{\"n\": 3}"))).containsExactly("{\"n\":2}", "{\"n\":3}");
    }

    /// Each sweep has a prompt of its own; what does not differ stays, and what is no number changes in a pair.
    @Test
    void eachInputHasALine() throws IOException {
        SamplePlan plan = plan(
                "{\"r\": 0, \"same\": 3, \"g\": 0.5, \"mode\": \"dark\"}",
                "{\"r\": 3, \"same\": 3, \"g\": 2.0, \"mode\": \"light\"}");
        assertThat(labels(plan))
                .containsExactly(
                        "r 0",
                        "r 1",
                        "r 2",
                        "r 3",
                        "g 0.5",
                        "g 1.0",
                        "g 1.5",
                        "g 2.0",
                        "its own input",
                        "the input of another row");
        assertThat(prompts(plan).subList(0, 4)).containsOnly("wall 0/0");
        assertThat(prompts(plan).subList(4, 8)).containsOnly("wall 1/1");
        assertThat(inputs(plan))
                .contains("{\"r\":2,\"same\":3,\"g\":0.5,\"mode\":\"dark\"}")
                .contains("{\"r\":3,\"same\":3,\"g\":1.5,\"mode\":\"light\"}")
                .endsWith(
                        "{\"r\":0,\"same\":3,\"g\":0.5,\"mode\":\"dark\"}",
                        "{\"r\":0,\"same\":3,\"g\":0.5,\"mode\":\"light\"}");
    }

    @Test
    void atMostFourNumbersAreSwept() throws IOException {
        assertThat(labels(
                        plan("{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0}", "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1}")))
                .containsExactly("a 0", "a 1", "b 0", "b 1", "c 0", "c 1", "d 0", "d 1");
    }

    @Test
    void anInputThatIsNoNumberIsComparedWithThatOfTheNextRowThatDiffers() throws IOException {
        SamplePlan plan = plan("{\"text\": \"a\"}", "{\"text\": \"a\"}", "{\"text\": \"b\"}");
        assertThat(inputs(plan))
                .containsExactly(
                        "{\"text\":\"a\"}",
                        "{\"text\":\"b\"}",
                        "{\"text\":\"a\"}",
                        "{\"text\":\"b\"}",
                        "{\"text\":\"b\"}",
                        "{\"text\":\"a\"}");
        assertThat(prompts(plan))
                .containsExactly("wall 0/0", "wall 0/0", "wall 1/1", "wall 1/1", "wall 2/2", "wall 2/2");
    }

    @Test
    void aTemplateWhoseInputsAreAllAlikeIsComparedWithNone() throws IOException {
        SamplePlan plan = plan("{}", "{}");
        assertThat(inputs(plan)).containsExactly("", "{}", "", "{}");
        assertThat(labels(plan)).startsWith("without the Template", "with the Template");
    }

    @Test
    void withoutATemplateRowsAreShownWithTheirEditImages() throws IOException {
        Dataset rows = dataset(Set.of(ExtraInput.TEMPLATE_INPUTS, ExtraInput.EDIT_IMAGE), "{}", "{}", "{}", "{}", "{}");
        SamplePlan plan = new DatasetSamples(rows, rows.rows(), false).plan();
        assertThat(prompts(plan)).containsExactly("wall 0/0", "wall 1/1", "wall 2/2", "wall 3/3");
        assertThat(labels(plan)).containsExactly("wall 0", "wall 1", "wall 2", "wall 3");
        assertThat(inputs(plan)).containsOnly("");
        assertThat(Objects.requireNonNull(
                                plan.images().getFirst().request().image().edit())
                        .images())
                .containsExactly(RgbImage.filled(new ImageSize(48, 32), 0x808080));
        assertThat(plan.images().getFirst().files())
                .containsExactly(Map.entry(RgbImage.filled(new ImageSize(48, 32), 0x808080), folder.resolve("a.png")));
    }
}
