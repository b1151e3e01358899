package io.stencil.cli;

import io.stencil.cli.arguments.SimilarNames;
import io.stencil.error.Location;
import io.stencil.error.StencilException;
import io.stencil.error.VisibleText;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/// Tells an error in one line and gives the exit code: 1 for a failure, 2 for wrong usage.
final class ErrorPrinter implements IParameterExceptionHandler, IExecutionExceptionHandler {

    private static final String MISSING = "Missing required subcommand";

    private static final String TRACE = "; run with --debug for the trace";

    /// Matches picocli's message for a failed conversion, which names Java classes.
    private static final Pattern CONVERSION =
            Pattern.compile("cannot convert '(.*)' to (?:class|interface) \\S+ \\((?:[\\w.$]+: )?(.*)\\)");

    private final boolean debug;
    private final Map<String, Location> configured;

    /// @param debug whether to print the stack trace of a failure too
    /// @param configured the places of options that a configuration file gave, so that a fault in one names the file
    ErrorPrinter(boolean debug, Map<String, Location> configured) {
        this.debug = debug;
        this.configured = configured;
    }

    @Override
    public int handleParseException(ParameterException fault, String[] args) {
        CommandLine command = fault.getCommandLine();
        if (isCommandMissing(fault)) {
            command.usage(command.getErr());
        }
        String name = command.getCommandSpec().qualifiedName();
        String message = place(fault) + message(fault);
        print(command, message + (message.endsWith("?") ? " Try '" : "; try '") + name + " --help'");
        if (debug) {
            printTrace(fault, command);
        }
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
            printTrace(fault, command);
        }
        return ExitCode.SOFTWARE;
    }

    /// `unknown command 'trian'; did you mean 'train'?`, and the names of all.
    static String noCommand(CommandSpec parent, String typed) {
        List<String> names = List.copyOf(parent.subcommands().keySet());
        String question = SimilarNames.question(typed, names);
        return "unknown command '%s'%s Commands: %s"
                .formatted(typed, question.isEmpty() ? "." : question, String.join(", ", names));
    }

    private static void print(CommandLine command, String message) {
        command.getErr().println("stencil: " + VisibleText.of(FaultText.oneLine(message)));
    }

    private static void printTrace(Throwable fault, CommandLine command) {
        StringWriter trace = new StringWriter();
        fault.printStackTrace(new PrintWriter(trace));
        command.getErr().print(VisibleText.lines(trace.toString()));
        command.getErr().flush();
    }

    private String place(ParameterException fault) {
        if (!(fault.getArgSpec() instanceof OptionSpec option)) {
            return "";
        }
        Location location = configured.get(option.longestName());
        return location == null ? "" : location.field(option.longestName().substring(2)) + ": ";
    }

    /// Refuses a command line that ends before a command that can be run.
    ///
    /// @throws ParameterException for which the help is printed
    static void requireCommand(ParseResult parsed) {
        CommandLine last = parsed.asCommandLineList().getLast();
        if (isGroup(last.getCommandSpec())) {
            throw new ParameterException(last, MISSING);
        }
    }

    /// Whether a command can only be run by one of its subcommands.
    private static boolean isGroup(CommandSpec command) {
        return !(command.userObject() instanceof Runnable) && !(command.userObject() instanceof Callable);
    }

    private static boolean isCommandMissing(ParameterException fault) {
        return isGroup(fault.getCommandLine().getCommandSpec())
                && fault.getClass() == ParameterException.class
                && fault.getArgSpec() == null
                && MISSING.equals(fault.getMessage());
    }

    private static String message(ParameterException fault) {
        CommandSpec command = fault.getCommandLine().getCommandSpec();
        if (fault instanceof UnmatchedArgumentException unmatched) {
            return unmatched(command, unmatched.getUnmatched());
        }
        List<String> unmatched = command.commandLine().getUnmatchedArguments();
        if (fault instanceof MissingParameterException && !unmatched.isEmpty()) {
            return unmatched(command, unmatched); // likely what is missing, misspelled
        }
        String message = CONVERSION.matcher(String.valueOf(fault.getMessage())).replaceAll("'$1' cannot be used: $2");
        return message.endsWith("is not a boolean") ? message + ", expected true or false" : message;
    }

    private static String unmatched(CommandSpec command, List<String> words) {
        String first = words.getFirst();
        if (first.startsWith("-")) {
            String name = first.replaceFirst("=.*", "");
            List<String> names = command.options().stream()
                    .filter(option -> !option.hidden())
                    .map(OptionSpec::longestName)
                    .toList();
            return "Unknown option: '%s'%s".formatted(first, SimilarNames.question(name, names));
        }
        return command.subcommands().isEmpty()
                ? "unexpected argument '%s'".formatted(first)
                : noCommand(command, first);
    }
}
