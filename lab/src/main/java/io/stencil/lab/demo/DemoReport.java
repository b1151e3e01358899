package io.stencil.lab.demo;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.image.RgbImageReader;
import io.stencil.json.Json;
import io.stencil.lab.evaluate.Finding.ImageRow;
import io.stencil.lab.evaluate.Measure;
import io.stencil.lab.evaluate.Page;
import io.stencil.lab.world.DatasetWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/// Writes the plot and the page of a demo. The page holds all its pictures.
record DemoReport(DemoPlan plan, Demo.Result result) {

    private static final int SHOWN_PICTURES = 8;

    void write() throws IOException {
        Demo.Training training = result.training();
        new LossChart(training.losses(), Math.clamp(training.losses().size() / 10, 1, 50)).write(plan.chart());
        Page page = new Page(DemoReport.class)
                .text("pictures", Integer.toString(DemoPlan.PICTURES))
                .text("steps", Integer.toString(training.losses().size()))
                .text("training_seconds", number("%.0f", training.seconds()))
                .text("validation_before", number("%.3f", result.validationBefore()))
                .text("validation_after", number("%.3f", result.validationAfter()))
                .text("validation_pictures", Integer.toString(DemoPlan.VALIDATION_PICTURES))
                .text("validation_samples", Integer.toString(result.validationSamples()))
                .text("parameters", number("%,d", training.parameters()))
                .text("correlation", number("%.3f", result.correlation()))
                .text("guidance", number("%.0f", DemoPlan.GUIDANCE))
                .text("command", command())
                .html("chart", Page.data(RgbImageReader.read(plan.chart())))
                .html("data_figures", dataFigures())
                .text("neutral", number("%.1f", DemoPlan.NEUTRAL))
                .html("amplified_rows", rows(result.amplified()))
                .html("guided_rows", rows(result.guided()))
                .html("free_rows", rows(result.free()))
                .html("figures", figures());
        AtomicFile.writeText(plan.page(), page.render());
    }

    /// The first rows of the dataset, from the darkest to the brightest.
    private String dataFigures() throws IOException {
        StringBuilder figures = new StringBuilder();
        try (Stream<String> lines = Files.lines(plan.dataset().resolve(DatasetWriter.METADATA))) {
            List<JsonNode> rows = lines.limit(SHOWN_PICTURES)
                    .map(this::row)
                    .sorted(Comparator.comparingDouble(DemoReport::scale))
                    .toList();
            for (JsonNode row : rows) {
                figures.append(Page.figure(
                        RgbImageReader.read(
                                plan.dataset().resolve(row.get("image").textValue())),
                        "scale %s: %s"
                                .formatted(
                                        number("%.2f", scale(row)),
                                        row.get("prompt").textValue())));
            }
        }
        return figures.toString();
    }

    private JsonNode row(String line) {
        try {
            return Json.MAPPER.readTree(line);
        } catch (IOException e) {
            throw new InvalidFileException(
                    Location.of(plan.dataset().resolve(DatasetWriter.METADATA)), "is not JSON: " + e.getMessage(), e);
        }
    }

    private static double scale(JsonNode row) {
        return row.get("template_inputs").get("scale").doubleValue();
    }

    private static String rows(Measure.Outcome outcome) {
        StringBuilder rows = new StringBuilder();
        for (ImageRow row : outcome.rows()) {
            rows.append("<p>").append(Page.escape(row.heading())).append("</p>\n<div class=\"strip\">\n");
            row.images().forEach(image -> rows.append(Page.figure(image.image(), image.label())));
            rows.append("</div>\n");
        }
        return rows.toString();
    }

    private String figures() {
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < result.guided().metrics().size(); i++) {
            rows.append(Page.row(
                    result.guided().metrics().get(i).name(),
                    value(result.amplified(), i),
                    value(result.guided(), i),
                    value(result.free(), i)));
        }
        return rows.toString();
    }

    private static String value(Measure.Outcome outcome, int metric) {
        return number("%.3f", outcome.metrics().get(metric).value());
    }

    private String command() {
        return """
                ./stencil generate --model_paths models/tiny-klein --dtype float32 \\
                  --template_model_id_or_path '%s' --template_inputs '{"scale": 0.9}' \\
                  --negative_template_inputs '{"scale": 0.9}' --cfg_scale %s \\
                  --prompt "a large red circle on the left, teal background" \\
                  --height %s --width %s --num_inference_steps %s --output bright.png""".formatted(
                        plan.template().toAbsolutePath().normalize().toString().replace("'", "'\\''"),
                        number("%.0f", DemoPlan.GUIDANCE),
                        DemoPlan.SIDE,
                        DemoPlan.SIDE,
                        DemoPlan.INFERENCE_STEPS);
    }

    private static String number(String format, Object value) {
        return String.format(Locale.ROOT, format, value);
    }
}
