package io.stencil.cli.terminal;

/// Formats messages of Java's logging as lines of this program: `stencil: MESSAGE`.
public final class LogLines {

    private static final String FORMAT = "java.util.logging.SimpleFormatter.format";

    private LogLines() {}

    /// Takes effect before the first message; a format that the user set stays.
    public static void install() {
        if (System.getProperty(FORMAT) == null && System.getProperty("java.util.logging.config.file") == null) {
            System.setProperty(FORMAT, "stencil: %5$s%6$s%n");
        }
    }
}
