package io.stencil.cli.train;

import io.stencil.cli.terminal.ProgressLine;
import io.stencil.train.log.ProgressText;
import io.stencil.train.log.StepReport;
import io.stencil.train.log.TrainingListener;
import io.stencil.train.log.TrainingStart;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;

/// Tells a training on the terminal: what begins, one line of progress, and each file that is written.
public final class TrainingReport implements TrainingListener {

    private final ProgressLine line;
    private final PrintWriter out;
    private final PrintWriter err;
    private final ProgressText text = new ProgressText();

    public TrainingReport(ProgressLine line, PrintWriter out, PrintWriter err) {
        this.line = line;
        this.out = out;
        this.err = err;
    }

    @Override
    public void onStart(TrainingStart start) {
        err.println(String.format(
                Locale.ROOT,
                "training %,d parameters in %s tensors on %s rows for %s steps, seed %s",
                start.trainableParameters(),
                start.trainableTensors(),
                start.rows(),
                start.steps(),
                start.seed()));
        if (start.doneSteps() > 0) {
            err.println("going on after step " + start.doneSteps());
        }
    }

    @Override
    public void onStep(StepReport report) {
        line.show(text.after(report));
    }

    @Override
    public void onCheckpoint(Path file) {
        line.end();
        out.println("wrote " + file);
        out.flush();
    }

    @Override
    public void onFailure(Path folder, long savedSteps) {
        line.end();
        err.println("saved the state after step %s; fix the cause of the failure, then go on by --resume %s"
                .formatted(savedSteps, folder));
    }

    @Override
    public void onWarning(String message) {
        line.end();
        err.println("stencil: warning: " + message);
    }
}
