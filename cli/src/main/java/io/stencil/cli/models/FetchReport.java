package io.stencil.cli.models;

import io.stencil.cli.terminal.ProgressLine;
import io.stencil.files.ByteText;
import io.stencil.hub.download.Fetcher;
import io.stencil.hub.provider.Repository;
import java.io.PrintWriter;

/// Tells a fetch on the terminal in one line.
final class FetchReport implements Fetcher.Listener, AutoCloseable {

    private final PrintWriter err;
    private final ProgressLine line;
    private final long begin = System.nanoTime();
    private long bytesBefore = -1;

    FetchReport(PrintWriter err) {
        this.err = err;
        this.line = ProgressLine.on(err);
    }

    @Override
    public synchronized void onProgress(Repository repository, int files, int allFiles, long bytes, long allBytes) {
        bytesBefore = bytesBefore < 0 ? bytes : bytesBefore;
        double seconds = Math.max(0.001, (System.nanoTime() - begin) / 1e9);
        line.show("fetching %s: %s of %s files, %s of %s, %s/s"
                .formatted(
                        repository.id(),
                        files,
                        allFiles,
                        ByteText.of(Math.max(0, bytes)),
                        ByteText.of(allBytes),
                        ByteText.of(Math.max(0, (long) ((bytes - bytesBefore) / seconds)))));
    }

    @Override
    public synchronized void onWaiting(Repository repository, String file) {
        line.end();
        err.println("waiting for another process that fetches %s of %s".formatted(file, repository));
    }

    @Override
    public synchronized void onWarning(String message) {
        line.end();
        err.println("stencil: warning: " + message);
    }

    @Override
    public synchronized void onEnd() {
        line.end();
    }

    @Override
    public synchronized void close() {
        line.abandon();
    }
}
