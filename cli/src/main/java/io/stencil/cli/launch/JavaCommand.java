package io.stencil.cli.launch;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Stencil in another process: Java as this process runs it, with other words.
public final class JavaCommand {

    private static final String MAIN = "io.stencil.cli.StencilCommand";

    private JavaCommand() {}

    /// The program and all its arguments.
    ///
    /// @param words of the command line
    public static List<String> of(List<String> words) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), MAIN));
        command.addAll(words);
        return command;
    }
}
