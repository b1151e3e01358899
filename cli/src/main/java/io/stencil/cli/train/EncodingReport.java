package io.stencil.cli.train;

import io.stencil.cli.terminal.ProgressLine;
import io.stencil.train.log.EncodingListener;
import java.io.PrintWriter;

/// Tells the encoding of a dataset on the terminal.
public final class EncodingReport implements EncodingListener {

    private final ProgressLine line;
    private final PrintWriter err;

    public EncodingReport(ProgressLine line, PrintWriter err) {
        this.line = line;
        this.err = err;
    }

    @Override
    public void onStart(int done, int samples) {
        err.println(
                "encoding %s samples%s".formatted(samples, done == 0 ? "" : ", of which %s are there".formatted(done)));
    }

    @Override
    public void onSample(int done, int samples) {
        line.show("sample %s/%s".formatted(done, samples));
    }

    @Override
    public void onWarning(String message) {
        line.end();
        err.println("stencil: warning: " + message);
    }
}
