package io.stencil.lab.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Findings as the lines of a table.
public final class FindingTable {

    private FindingTable() {}

    public static String heading() {
        return line("measurement", "figure", "value", "target", "");
    }

    /// One line a figure.
    public static List<String> lines(Finding finding) {
        List<String> lines = new ArrayList<>();
        for (Figure figure : finding.figures()) {
            lines.add(line(
                    lines.isEmpty() ? finding.measure() : "",
                    figure.name(),
                    number(figure.value()),
                    figure.target().text(),
                    verdict(figure)));
        }
        return lines;
    }

    static String number(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }

    static String verdict(Figure figure) {
        if (figure.target().text().isEmpty()) {
            return "";
        }
        return figure.holds() ? "holds" : "MISSED";
    }

    private static String line(String measure, String figure, String value, String target, String verdict) {
        return "%-20s %-62s %8s  %-8s %s"
                .formatted(measure, figure, value, target, verdict)
                .stripTrailing();
    }
}
