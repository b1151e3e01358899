package io.stencil.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Runs measurements one after another.
public final class Evaluation {

    private Evaluation() {}

    /// @param told each finding as soon as it is there
    public static List<Finding> run(
            List<Measure> measures, PipelinePainter painter, Effort effort, Consumer<Finding> told) {
        List<Finding> findings = new ArrayList<>();
        for (Measure measure : measures) {
            long start = System.nanoTime();
            int before = painter.painted();
            Measure.Outcome outcome = measure.run(painter, effort);
            Finding finding = new Finding(
                    measure.name(),
                    outcome.figures(),
                    painter.painted() - before,
                    (System.nanoTime() - start) / 1e9,
                    outcome.rows());
            findings.add(finding);
            told.accept(finding);
        }
        return findings;
    }
}
