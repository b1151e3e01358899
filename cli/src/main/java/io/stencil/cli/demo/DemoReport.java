package io.stencil.cli.demo;

import io.stencil.image.RgbImageWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/// Writes the pictures, the plot and the page of a demo.
record DemoReport(DemoPlan plan, PaintedDataset dataset, DemoResult result) {

    private static final int SHOWN_PICTURES = 6;

    void write() throws IOException {
        int window = Math.clamp(result.training().losses().size() / 10, 1, 50);
        new LossChart(result.training().losses(), window).write(plan.chart());
        Effect plain = result.effects().getFirst();
        List<Effect> steered = result.effects().subList(1, result.effects().size());
        DemoPage page = new DemoPage()
                .text("pictures", Integer.toString(dataset.samples().size()))
                .text("steps", Integer.toString(result.training().losses().size()))
                .text("training_seconds", number("%.0f", result.training().seconds()))
                .text("validation_before", number("%.3f", result.validationBefore()))
                .text("validation_after", number("%.3f", result.validationAfter()))
                .text("validation_samples", Integer.toString(result.validationSamples()))
                .text("parameters", number("%,d", result.training().parameters()))
                .text("darkest", scale(steered.getFirst()))
                .text("brightest", scale(steered.getLast()))
                .text("seeds", Integer.toString(plain.pictures().size()))
                .text("chart", plan.chart().getFileName().toString())
                .text("log", "training/training_log.csv")
                .text("command", command())
                .html(
                        "effect",
                        number("%.3f", steered.getFirst().brightness()) + " &rarr; "
                                + number("%.3f", steered.getLast().brightness()))
                .html("data_figures", dataFigures())
                .html("result_figures", resultFigures())
                .html("result_rows", resultRows());
        page.write(plan.page());
    }

    private String dataFigures() {
        StringBuilder figures = new StringBuilder();
        int last = dataset.samples().size() - 1;
        for (int i = 0; i < SHOWN_PICTURES; i++) {
            PaintedDataset.Sample sample = dataset.samples().get(i * last / (SHOWN_PICTURES - 1));
            figures.append(DemoPage.figure("dataset/" + sample.image(), "scale " + number("%.2f", sample.scale())));
        }
        return figures.toString();
    }

    private String resultFigures() throws IOException {
        StringBuilder figures = new StringBuilder();
        for (Effect effect : result.effects()) {
            String name = effect.scale() == null ? "without" : "scale-" + scale(effect);
            for (int i = 0; i < effect.pictures().size(); i++) {
                Path file = plan.pictures().resolve("%s-seed-%d.png".formatted(name, plan.seed() + i));
                RgbImageWriter.write(effect.pictures().get(i).image(), file);
                if (i == 0) {
                    figures.append(DemoPage.figure("pictures/" + file.getFileName(), title(effect)));
                }
            }
        }
        return figures.toString();
    }

    private String resultRows() {
        StringBuilder rows = new StringBuilder();
        for (Effect effect : result.effects()) {
            rows.append(DemoPage.row(
                    title(effect), number("%.4f", effect.brightness()), number("%.4f", effect.latentChange())));
        }
        return rows.toString();
    }

    private static String title(Effect effect) {
        return effect.scale() == null ? "without the Template" : "scale " + scale(effect);
    }

    private static String scale(Effect effect) {
        return String.valueOf(effect.scale());
    }

    private String command() {
        return """
                ./stencil generate --model_paths models/tiny-flux2 --dtype float32 \\
                  --template_model_id_or_path %1$s --template_inputs '{"scale": 0.9}' \\
                  --prompt "%2$s" --height %3$d --width %4$d --num_inference_steps %5$d \\
                  --output bright.png""".formatted(plan.template(), PaintedDataset.PROMPT, DemoPlan.HEIGHT, DemoPlan.WIDTH, Showroom.STEPS);
    }

    private static String number(String format, Object value) {
        return String.format(Locale.ROOT, format, value);
    }
}
