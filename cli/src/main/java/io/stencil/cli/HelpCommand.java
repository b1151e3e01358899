package io.stencil.cli;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `stencil help`: prints the help of Stencil or of one command.
@Command(name = "help", description = "Print this help, or that of a command.", helpCommand = true)
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class HelpCommand implements Callable<Integer> {

    @Parameters(paramLabel = "COMMAND", arity = "0..*", description = "Such as train.")
    private List<String> names = List.of();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        CommandLine described = spec.root().commandLine();
        for (String name : names) {
            CommandLine command = described.getSubcommands().get(name);
            if (command == null) {
                throw new ParameterException(described, ErrorPrinter.noCommand(described.getCommandSpec(), name));
            }
            described = command;
        }
        described.usage(spec.commandLine().getOut());
        return 0;
    }
}
