package io.stencil.cli.terminal;

import io.stencil.error.VisibleText;
import java.io.Console;
import java.io.FilterWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Output of a command with [escapes][VisibleText] for what a terminal would act on: names and texts of untrusted
/// files can neither move the cursor nor begin a line of their own.
///
/// A text given to `println` is one line; elsewhere line breaks are kept.
public final class TerminalWriter extends PrintWriter {

    private final PrintWriter terminal;

    /// @param terminal takes the escaped text; flushed after each line
    public TerminalWriter(PrintWriter terminal) {
        super(new Escaping(terminal), true);
        this.terminal = terminal;
    }

    /// The terminal itself, for text that its writer has made harmless and that moves the cursor.
    PrintWriter terminal() {
        return terminal;
    }

    @Override
    public void println(@Nullable String line) {
        super.println(VisibleText.lines(String.valueOf(line)).replace("\n", "\\n"));
    }

    @Override
    public void println(@Nullable Object line) {
        println(String.valueOf(line));
    }

    @Override
    public void println(char[] line) {
        println(String.valueOf(line));
    }

    @Override
    public void println(char line) {
        println(String.valueOf(line));
    }

    /// Prints a path in one line, for scripts as it is: it is escaped on a terminal only.
    public static void printPath(PrintWriter out, Path path) {
        printPath(out, path, StandardStream.OUT.isTerminal());
    }

    static void printPath(PrintWriter out, Path path, boolean toTerminal) {
        if (!toTerminal && out instanceof TerminalWriter escaping) {
            escaping.flush();
            escaping.terminal.println(path);
        } else {
            out.println(path);
        }
    }

    private static final class Escaping extends FilterWriter {

        Escaping(Writer terminal) {
            super(terminal);
        }

        @Override
        public void write(int character) throws IOException {
            if (Character.isSurrogate((char) character)) {
                out.write(character); // half of what is written next
            } else {
                out.write(VisibleText.lines(Character.toString(character)));
            }
        }

        @Override
        public void write(char[] buffer, int offset, int length) throws IOException {
            out.write(VisibleText.lines(new String(buffer, offset, length)));
        }

        @Override
        public void write(String text, int offset, int length) throws IOException {
            out.write(VisibleText.lines(text.substring(offset, offset + length)));
        }
    }

    /// An output of this process.
    enum StandardStream {
        OUT(1),
        ERR(2);

        private final Path link;

        StandardStream(int descriptor) {
            this.link = Path.of("/proc/self/fd/" + descriptor);
        }

        boolean isTerminal() {
            if (!Files.isSymbolicLink(link)) {
                return Optional.ofNullable(System.console())
                        .map(Console::isTerminal)
                        .orElse(false);
            }
            try {
                String target = Files.readSymbolicLink(link).toString();
                return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
            } catch (IOException e) {
                return false; // the link cannot be read: plain lines are right everywhere
            }
        }
    }
}
