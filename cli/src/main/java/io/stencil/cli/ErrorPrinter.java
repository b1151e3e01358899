package io.stencil.cli;

import io.stencil.cli.arguments.Arguments;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.error.StencilException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/// Tells an error in one line and gives the exit code: 1 for a failure, 2 for wrong usage.
final class ErrorPrinter implements IParameterExceptionHandler, IExecutionExceptionHandler {

    private static final String TRACE = "; run with --debug for the trace";

    private final boolean debug;
    private final Arguments.@Nullable Origin origin;

    /// @param debug whether to print the stack trace of a failure too
    /// @param origin the options that a configuration file gave, so that a fault in one names the file
    ErrorPrinter(boolean debug, Arguments.@Nullable Origin origin) {
        this.debug = debug;
        this.origin = origin;
    }

    @Override
    public int handleParseException(ParameterException fault, String[] args) {
        CommandLine command = fault.getCommandLine();
        String name = command.getCommandSpec().qualifiedName();
        print(command, place(fault) + message(fault) + "; try '" + name + " --help'");
        return ExitCode.USAGE;
    }

    @Override
    public int handleExecutionException(Exception fault, CommandLine command, ParseResult parsed) {
        return failure(fault, command);
    }

    /// Prints why the work of `command` failed.
    int failure(Throwable fault, CommandLine command) {
        print(command, FaultText.of(fault) + (debug || fault instanceof StencilException ? "" : TRACE));
        if (debug) {
            fault.printStackTrace(command.getErr());
        }
        return ExitCode.SOFTWARE;
    }

    private static void print(CommandLine command, String message) {
        command.getErr().println("stencil: " + FaultText.oneLine(message));
    }

    private String place(ParameterException fault) {
        if (origin == null || !(fault.getArgSpec() instanceof OptionSpec option)) {
            return "";
        }
        String name = option.longestName();
        return origin.options().contains(name) ? Location.of(origin.file()).field(name.substring(2)) + ": " : "";
    }

    private static String message(ParameterException fault) {
        CommandSpec command = fault.getCommandLine().getCommandSpec();
        if (!(fault instanceof UnmatchedArgumentException unmatched)) {
            return String.valueOf(fault.getMessage());
        }
        if (command.parent() == null && !unmatched.isUnknownOption()) {
            String commands = NameList.of(command.subcommands().keySet());
            return "no command '%s', there are: %s"
                    .formatted(unmatched.getUnmatched().getFirst(), commands);
        }
        List<String> names = unmatched.getSuggestions();
        return fault.getMessage() + (names.isEmpty() ? "" : ", did you mean " + String.join(" or ", names) + "?");
    }
}
