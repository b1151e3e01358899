package io.stencil.cli.terminal;

import java.io.Console;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

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
