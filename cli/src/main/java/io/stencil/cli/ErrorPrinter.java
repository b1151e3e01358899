package io.stencil.cli;

import io.stencil.error.IoReason;
import io.stencil.error.Location;
import io.stencil.error.SimilarNames;
import io.stencil.error.StencilException;
import io.stencil.error.VisibleText;
import io.stencil.files.LocalPath;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.InvalidPathException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
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

/// Prints an error in one line and returns the exit code: 1 for a failure, 2 for wrong usage.
final class ErrorPrinter implements IParameterExceptionHandler, IExecutionExceptionHandler {

    private static final String MISSING = "Missing required subcommand";

    private static final String LOG_FORMAT = "java.util.logging.SimpleFormatter.format";

    private static final String TRACE = "; run with --debug for the trace";

    /// Matches picocli's message for a failed conversion, which names Java classes.
    private static final Pattern CONVERSION =
            Pattern.compile("cannot convert '(.*)' to (?:class|interface) \\S+ \\((?:[\\w.$]+: )?(.*)\\)");

    /// Begins the C++ stack trace in a message of libtorch.
    private static final String NATIVE_TRACE = "Exception raised from ";

    /// How libtorch says that the system has no memory left; a device is named before it.
    private static final String NO_MEMORY = "can't allocate memory";

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
        print(command, text(fault) + (debug || fault instanceof StencilException ? "" : TRACE));
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
        command.getErr().println("stencil: " + VisibleText.of(oneLine(message)));
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

    /// Describes a fault in one line, also one with a native trace or of the virtual machine.
    static String text(Throwable fault) {
        return switch (fault) {
            case StencilException input -> input.getMessage();
            case InvalidPathException bad -> "'%s' is not a path: %s".formatted(bad.getInput(), LocalPath.reason(bad));
            case OutOfMemoryError full ->
                "out of memory (%s): make images or batches smaller, or give Java more, such as STENCIL_JAVA_OPTS=-Xmx8g"
                        .formatted(reason(full));
            case StackOverflowError _ ->
                "the stack is full: something is nested too deeply; give Java more, such as STENCIL_JAVA_OPTS=-Xss16m";
            case LinkageError broken ->
                "a library or class cannot be loaded (%s): build Stencil anew; its native libraries need Linux on x86-64"
                        .formatted(broken.getClass().getSimpleName() + ": " + reason(broken));
            case IOException io -> "reading or writing failed: " + oneLine(IoReason.of(io));
            case UncheckedIOException wrapped -> text(Objects.requireNonNull(wrapped.getCause()));
            default ->
                reason(fault).contains(NO_MEMORY)
                        ? "out of memory (%s): make images or batches smaller".formatted(reason(fault))
                        : "unexpected " + oneLine(fault.toString());
        };
    }

    /// The message without its native trace, its lines joined.
    static String oneLine(String message) {
        return message.lines()
                .takeWhile(line -> !line.startsWith(NATIVE_TRACE))
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .collect(Collectors.joining(" "));
    }

    private static String reason(Throwable fault) {
        String message = fault.getMessage();
        if (message != null) {
            return oneLine(message);
        }
        return fault.getCause() == null
                ? fault.getClass().getSimpleName()
                : oneLine(fault.getCause().toString());
    }

    /// Formats messages of Java's logging as lines of this program, `stencil: MESSAGE`, from the first message on. A
    /// format that the user set stays.
    static void formatLogs() {
        if (System.getProperty(LOG_FORMAT) == null && System.getProperty("java.util.logging.config.file") == null) {
            System.setProperty(LOG_FORMAT, "stencil: %5$s%6$s%n");
        }
    }
}
