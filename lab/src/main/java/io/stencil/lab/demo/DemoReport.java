package io.stencil.lab.demo;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.image.RgbImageWriter;
import io.stencil.json.Json;
import io.stencil.lab.evaluate.Finding.ImageRow;
import io.stencil.lab.evaluate.Measure;
import io.stencil.lab.evaluate.Page;
import io.stencil.lab.world.DatasetWriter;
import io.stencil.train.validation.ValidationReport;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.geom.Ellipse2D;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;
import org.jfree.chart.ChartFactory;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.axis.ValueAxis;
import org.jfree.chart.plot.PlotOrientation;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.xy.XYLineAndShapeRenderer;
import org.jfree.data.xy.XYSeries;
import org.jfree.data.xy.XYSeriesCollection;

/// Writes the plot and the page of a demo. The page holds all its images.
record DemoReport(Demo.Plan plan, Demo.Result result) {

    private static final int SHOWN_IMAGES = 8;

    void write() throws IOException {
        Demo.Training training = result.training();
        ValidationReport validation = training.validations().getLast();
        new LossChart(training.losses(), Math.clamp(training.losses().size() / 10, 1, 50)).write(plan.chart());
        Page page = new Page(DemoReport.class)
                .text("images", Integer.toString(plan.images()))
                .text("steps", Integer.toString(training.losses().size()))
                .text("training_seconds", number("%.0f", training.seconds()))
                .text("validation_before", number("%.3f", result.validationBefore()))
                .text("validation_after", number("%.3f", result.validationAfter()))
                .text("validation_images", Integer.toString(Demo.Plan.VALIDATION_IMAGES))
                .text(
                        "validation_levels",
                        Integer.toString(validation.weights().bands().size()))
                .text("finding", Objects.requireNonNull(validation.gain()).inWords())
                .text("parameters", number("%,d", training.parameters()))
                .text("correlation", number("%.3f", result.correlation()))
                .text("guidance", number("%.0f", Demo.Plan.GUIDANCE))
                .text("command", command())
                .html("chart", Page.data(RgbImageReader.read(plan.chart())))
                .html("data_figures", dataFigures())
                .text("neutral", number("%.1f", Demo.Plan.NEUTRAL))
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
            List<JsonNode> rows = lines.limit(SHOWN_IMAGES)
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
                        number("%.0f", Demo.Plan.GUIDANCE),
                        Demo.Plan.SIDE,
                        Demo.Plan.SIDE,
                        plan.inferenceSteps());
    }

    private static String number(String format, Object value) {
        return String.format(Locale.ROOT, format, value);
    }

    /// Draws the losses of a training: each step as a dot, their moving average as a line.
    ///
    /// @param losses by step, the first step at index 0
    /// @param window steps that the moving average covers
    record LossChart(List<Double> losses, int window) {

        private static final int WIDTH = 960;
        private static final int HEIGHT = 420;
        private static final Color DOTS = new Color(150, 175, 205, 150);
        private static final Color LINE = new Color(22, 78, 140);

        LossChart {
            losses = List.copyOf(losses);
        }

        /// Mean of the last `window` losses at each step, or of as many as there are.
        List<Double> smoothed() {
            double[] means = new double[losses.size()];
            double sum = 0;
            for (int i = 0; i < means.length; i++) {
                sum += losses.get(i) - (i >= window ? losses.get(i - window) : 0);
                means[i] = sum / Math.min(i + 1, window);
            }
            return Arrays.stream(means).boxed().toList();
        }

        void write(Path png) throws IOException {
            RgbImageWriter.write(RgbImage.of(chart().createBufferedImage(WIDTH, HEIGHT)), png);
        }

        private JFreeChart chart() {
            XYSeriesCollection data = new XYSeriesCollection();
            data.addSeries(series("mean of the last %s steps".formatted(window), smoothed(), window - 1));
            data.addSeries(series("each step", losses, 0));
            JFreeChart chart = ChartFactory.createXYLineChart(
                    null, "step", "training loss", data, PlotOrientation.VERTICAL, true, false, false);
            chart.setBackgroundPaint(Color.WHITE);
            XYPlot plot = chart.getXYPlot();
            plot.setBackgroundPaint(Color.WHITE);
            plot.setDomainGridlinePaint(new Color(225, 225, 225));
            plot.setRangeGridlinePaint(new Color(225, 225, 225));
            plot.setOutlineVisible(false);
            plot.setRenderer(renderer());
            plot.getDomainAxis().setRange(0, Math.max(losses.size(), 1));
            plot.getDomainAxis().setStandardTickUnits(NumberAxis.createIntegerTickUnits());
            for (ValueAxis axis : List.of(plot.getDomainAxis(), plot.getRangeAxis())) {
                ((NumberAxis) axis)
                        .setNumberFormatOverride(
                                new DecimalFormat("0.########", DecimalFormatSymbols.getInstance(Locale.ROOT)));
            }
            return chart;
        }

        private static XYLineAndShapeRenderer renderer() {
            XYLineAndShapeRenderer renderer = new XYLineAndShapeRenderer(true, false);
            renderer.setSeriesPaint(0, LINE);
            renderer.setSeriesStroke(0, new BasicStroke(2.5f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
            renderer.setSeriesLinesVisible(1, false);
            renderer.setSeriesShapesVisible(1, true);
            renderer.setSeriesShape(1, new Ellipse2D.Double(-2, -2, 4, 4));
            renderer.setSeriesPaint(1, DOTS);
            return renderer;
        }

        private static XYSeries series(String title, List<Double> values, int from) {
            XYSeries series = new XYSeries(title, false);
            for (int i = Math.min(from, values.size() - 1); i < values.size(); i++) {
                series.add(i + 1, values.get(i));
            }
            return series;
        }
    }
}
