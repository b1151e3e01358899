package io.stencil.lab.evaluate;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.ValueNode;
import io.stencil.files.AtomicFile;
import io.stencil.json.Json;
import io.stencil.lab.evaluate.Finding.ImageRow;
import io.stencil.lab.evaluate.Finding.Metric;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/// Reports findings: as the lines of a table, as `evaluation.json`, and as the page `index.html`, which holds all its
/// images.
public final class EvaluationReport {

    private EvaluationReport() {}

    /// @param how settings of the evaluation, for people
    /// @throws IOException when a file cannot be written
    public static void write(List<Finding> findings, String how, Path folder) throws IOException {
        AtomicFile.writeText(
                folder.resolve("evaluation.json"), json(findings, how).toPrettyString() + "\n");
        AtomicFile.writeText(folder.resolve("index.html"), page(findings, how));
    }

    private static ObjectNode json(List<Finding> findings, String how) {
        ObjectNode root = Json.MAPPER.createObjectNode().put("how", how);
        root.put("holds", findings.stream().allMatch(Finding::holds));
        ArrayNode all = root.putArray("measurements");
        for (Finding finding : findings) {
            ObjectNode measurement = all.addObject()
                    .put("name", finding.measure())
                    .put("holds", finding.holds())
                    .put("images", finding.images())
                    .put("seconds", finding.seconds());
            ArrayNode figures = measurement.putArray("figures");
            for (Metric metric : finding.metrics()) {
                ObjectNode figure = figures.addObject().put("name", metric.name());
                figure.set("value", node(metric.value()));
                if (metric.values().size() > 1) {
                    ArrayNode values = figure.putArray("values");
                    metric.values().forEach(value -> values.add(node(value)));
                }
                if (!metric.target().text().isEmpty()) {
                    figure.put("target", metric.target().text()).put("holds", metric.holds());
                }
            }
        }
        return root;
    }

    private static ValueNode node(double value) {
        return Double.isFinite(value) ? new DoubleNode(value) : NullNode.instance;
    }

    private static String page(List<Finding> findings, String how) throws IOException {
        StringBuilder rows = new StringBuilder();
        StringBuilder sections = new StringBuilder();
        for (Finding finding : findings) {
            int first = 0;
            for (Metric metric : finding.metrics()) {
                rows.append(
                        "<tr class=\"%s\"><th>%s</th><td>%s</td><td class=\"n\">%s</td><td>%s</td><td>%s</td></tr>%n"
                                .formatted(
                                        metric.holds() ? "holds" : "missed",
                                        first++ == 0 ? Page.escape(finding.measure()) : "",
                                        Page.escape(metric.name()),
                                        number(metric.value()) + seeds(metric),
                                        Page.escape(metric.target().text()),
                                        verdict(metric)));
            }
            sections.append("<h2>%s</h2>%n".formatted(Page.escape(finding.measure())));
            for (ImageRow row : finding.rows()) {
                sections.append("<p>%s</p><div class=\"row\">%n".formatted(Page.escape(row.heading())));
                for (ImageRow.Labelled image : row.images()) {
                    sections.append(Page.figure(image.image(), image.label()));
                }
                sections.append("</div>\n");
            }
        }
        return new Page(EvaluationReport.class)
                .text("how", how)
                .html("rows", rows.toString())
                .html("sections", sections.toString())
                .render();
    }

    /// The heading of the table that [#lines] continues.
    public static String heading() {
        return line("measurement", "figure", "value", "target", "");
    }

    /// One line a metric.
    public static List<String> lines(Finding finding) {
        List<String> lines = new ArrayList<>();
        for (Metric metric : finding.metrics()) {
            lines.add(line(
                    lines.isEmpty() ? finding.measure() : "",
                    metric.name(),
                    number(metric.value()),
                    metric.target().text(),
                    (verdict(metric) + seeds(metric)).strip()));
        }
        return lines;
    }

    static String number(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }

    /// The values of several seeds; nothing for one.
    private static String seeds(Metric metric) {
        return metric.values().size() == 1
                ? ""
                : metric.values().stream().map(EvaluationReport::number).collect(Collectors.joining(" ", "  (", ")"));
    }

    static String verdict(Metric metric) {
        if (metric.target().text().isEmpty()) {
            return "";
        }
        return metric.holds() ? "holds" : "MISSED";
    }

    private static String line(String measure, String figure, String value, String target, String verdict) {
        return "%-20s %-62s %8s  %-8s %s"
                .formatted(measure, figure, value, target, verdict)
                .stripTrailing();
    }
}
