package io.stencil.lab.evaluate;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.files.AtomicFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// Writes `evaluation.json` and the page `index.html`, which holds all its pictures.
public final class EvaluationReport {

    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private EvaluationReport() {}

    /// @param how what the evaluation was asked for, for people
    /// @throws IOException when a file cannot be written
    public static void write(List<Finding> findings, String how, Path folder) throws IOException {
        AtomicFile.writeText(folder.resolve("evaluation.json"), JSON.writeValueAsString(json(findings, how)) + "\n");
        AtomicFile.writeText(folder.resolve("index.html"), page(findings, how));
    }

    private static ObjectNode json(List<Finding> findings, String how) {
        ObjectNode root = JSON.createObjectNode().put("how", how);
        root.put("holds", findings.stream().allMatch(Finding::holds));
        ArrayNode all = root.putArray("measurements");
        for (Finding finding : findings) {
            ObjectNode one = all.addObject()
                    .put("name", finding.measure())
                    .put("holds", finding.holds())
                    .put("pictures", finding.pictures())
                    .put("seconds", finding.seconds());
            ArrayNode figures = one.putArray("figures");
            for (Figure figure : finding.figures()) {
                ObjectNode written = figures.addObject().put("name", figure.name());
                written.set(
                        "value", Double.isFinite(figure.value()) ? new DoubleNode(figure.value()) : NullNode.instance);
                if (!figure.target().text().isEmpty()) {
                    written.put("target", figure.target().text()).put("holds", figure.holds());
                }
            }
        }
        return root;
    }

    private static String page(List<Finding> findings, String how) throws IOException {
        StringBuilder rows = new StringBuilder();
        StringBuilder sections = new StringBuilder();
        for (Finding finding : findings) {
            int first = 0;
            for (Figure figure : finding.figures()) {
                rows.append(
                        "<tr class=\"%s\"><th>%s</th><td>%s</td><td class=\"n\">%s</td><td>%s</td><td>%s</td></tr>%n"
                                .formatted(
                                        figure.holds() ? "holds" : "missed",
                                        first++ == 0 ? Html.escape(finding.measure()) : "",
                                        Html.escape(figure.name()),
                                        FindingTable.number(figure.value()),
                                        Html.escape(figure.target().text()),
                                        FindingTable.verdict(figure)));
            }
            sections.append("<h2>%s</h2>%n".formatted(Html.escape(finding.measure())));
            for (PictureRow row : finding.rows()) {
                sections.append("<p>%s</p><div class=\"row\">%n".formatted(Html.escape(row.heading())));
                for (PictureRow.Captioned one : row.pictures()) {
                    sections.append(Html.figure(one.picture(), one.label()));
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
}
