package io.stencil.lab.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Runs measurements one after another.
public final class Evaluation {

    private Evaluation() {}

    /// @param guidance of all measurements; null for what suits each
    /// @param told each finding as soon as it is there
    public static List<Finding> run(
            List<Measure> measures,
            PipelinePainter painter,
            Effort effort,
            @Nullable Double guidance,
            Consumer<Finding> told) {
        List<Finding> findings = new ArrayList<>();
        for (Measure measure : measures) {
            long start = System.nanoTime();
            int before = painter.painted();
            double scale = guidance == null ? measure.guidance() : guidance;
            painter.guide(scale);
            Measure.Outcome outcome = measure.run(painter, effort);
            List<Figure> figures = new ArrayList<>(outcome.figures());
            figures.add(Figure.told("guidance", scale));
            Finding finding = new Finding(
                    measure.name(),
                    figures,
                    painter.painted() - before,
                    (System.nanoTime() - start) / 1e9,
                    outcome.rows());
            findings.add(finding);
            told.accept(finding);
        }
        return findings;
    }
}
