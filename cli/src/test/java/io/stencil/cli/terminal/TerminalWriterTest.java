package io.stencil.cli.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class TerminalWriterTest {

    private static final String TEXT = "a\nstencil: forged\u001b[31m";
    private static final String LINE = "a\\nstencil: forged\\u001b[31m\n";

    private final StringWriter terminal = new StringWriter();
    private final TerminalWriter writer = new TerminalWriter(new PrintWriter(terminal, true));

    @Test
    void aLineOfAnyTypeIsOneLine() {
        writer.println(TEXT);
        writer.println((Object) TEXT);
        writer.println(TEXT.toCharArray());
        writer.println('\n');
        writer.println((Object) null);

        assertThat(terminal).hasToString(LINE + LINE + LINE + "\\n\nnull\n");
    }

    @Test
    void aPathIsEscapedOnATerminalOnly() {
        Path path = Path.of("x\u202ey\u00e9");
        TerminalWriter.printPath(writer, path, true);
        TerminalWriter.printPath(writer, path, false);

        assertThat(terminal).hasToString("x\\u202ey\u00e9\n" + path + "\n");
    }
}
