package io.stencil.cli.terminal;

import io.stencil.error.VisibleText;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;

/// Shows progress in one line on standard error.
///
/// On a terminal the line is rewritten in place. Elsewhere, as in a log file, it is printed every few seconds.
public final class ProgressLine implements AutoCloseable {

    private static final long LOG_EVERY = Duration.ofSeconds(10).toNanos();

    private final PrintWriter err;
    private final boolean rewrites;
    private String latest = "";
    private boolean pending;
    private long printedAt = System.nanoTime();

    ProgressLine(PrintWriter err, boolean rewrites) {
        this.err = err instanceof TerminalWriter escaping ? escaping.terminal() : err;
        this.rewrites = rewrites;
    }

    /// A line on this process's standard error.
    public static ProgressLine on(PrintWriter err) {
        return new ProgressLine(err, TerminalWriter.StandardStream.ERR.isTerminal());
    }

    /// Takes the place of the text that is shown.
    public void show(String shown) {
        String text = VisibleText.of(shown);
        if (rewrites) {
            err.print("\r" + text + " ".repeat(Math.max(0, latest.length() - text.length())));
            err.flush();
            pending = true;
        } else {
            pending = true;
            if (System.nanoTime() - printedAt >= LOG_EVERY) {
                print(text);
            }
        }
        latest = text;
    }

    private void print(String text) {
        err.println(text);
        printedAt = System.nanoTime();
        pending = false;
    }

    /// Ends the line, so that what is printed next begins on its own; [#show] begins another.
    public void end() {
        if (!pending) {
            return;
        }
        if (rewrites) {
            err.println();
            pending = false;
        } else {
            print(latest);
        }
    }

    /// Leaves the line, for an error that is printed next: nothing of it stays where lines are not rewritten.
    public void abandon() {
        if (rewrites) {
            end();
        }
        pending = false;
    }

    @Override
    public void close() {
        end();
    }

    /// `1:05` or `2:03:10`.
    public static String time(Duration duration) {
        long seconds = duration.toSeconds();
        return seconds < 3600
                ? String.format(Locale.ROOT, "%s:%02d", seconds / 60, seconds % 60)
                : String.format(Locale.ROOT, "%s:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
}
