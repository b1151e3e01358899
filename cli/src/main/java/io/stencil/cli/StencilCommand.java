package io.stencil.cli;

import io.stencil.cli.options.Arguments;
import io.stencil.cli.terminal.TerminalWriter;
import io.stencil.cli.terminal.WordWrappedHelp;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.StencilException;
import io.stencil.files.LocalPath;
import io.stencil.files.StencilVersion;
import io.stencil.hub.http.Proxies;
import io.stencil.tensor.Libtorch;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.TypeConversionException;

/// The root of the command line.
///
/// A command is a `Callable<Integer>` with picocli's annotations, named in `COMMANDS` below. It inherits
/// `--help`, `--version`, `--config` and `--debug`, both spellings of every option name, and the printing of
/// errors: it throws a [StencilException] and returns 0.
@Command(
        name = "stencil",
        description = "Generate images with FLUX.2 and train Template models that steer it.",
        synopsisSubcommandLabel = "COMMAND",
        scope = ScopeType.INHERIT,
        mixinStandardHelpOptions = true,
        versionProvider = StencilCommand.Version.class,
        sortOptions = false,
        usageHelpWidth = 100)
public final class StencilCommand {

    private static final List<Class<?>> COMMANDS = List.of(
            GenerateCommand.class,
            ServeCommand.class,
            TrainCommand.class,
            ValidateCommand.class,
            LaunchCommand.class,
            InitCommand.class,
            InspectCommand.class,
            ConvertCommand.class,
            DatasetCommand.class,
            EvaluateCommand.class,
            DemoCommand.class,
            BenchCommand.class,
            NewTemplateCommand.class,
            PackageCommand.class,
            FetchCommand.class,
            UploadCommand.class,
            VerifyCommand.class,
            GenerateCompletion.class,
            HelpCommand.class);

    private static final String ROOT = "stencil.root";
    private static final String COMPLETION = "generate-completion";
    private static final String DEBUG = "--debug";

    @Option(
            names = "--config",
            paramLabel = "FILE",
            scope = ScopeType.INHERIT,
            description = "Take options from a YAML or JSON file; the command line wins.")
    @Nullable
    Path config;

    @Option(names = DEBUG, scope = ScopeType.INHERIT, description = "Print the stack trace of an error.")
    boolean debug;

    /// Runs the command that `args` name and ends the process: 0 done, 1 failure, 2 wrong usage,
    /// 130 interrupted.
    public static void main(String[] args) {
        List<String> words = List.of(args);
        if (words.equals(List.of("--version"))) { // without the options of commands, for a quick start
            System.out.println(version());
            return;
        }
        Proxies.allowPasswords();
        ErrorPrinter.formatLogs();
        CommandLine root = commandLine(words.contains(COMPLETION) ? _ -> true : words::contains);
        int code = ExitCode.SOFTWARE;
        try {
            code = run(root, args);
        } catch (RuntimeException | Error fault) {
            new ErrorPrinter(true, Map.of()).failure(fault, root);
        }
        if (code != ExitCode.OK || !isHelped(root.getParseResult())) {
            System.exit(code);
        }
    }

    /// Returns whether only help was printed. No thread is left to be ended then, and [System#exit] would load Java's
    /// logging.
    private static boolean isHelped(@Nullable ParseResult parsed) {
        return parsed != null
                && (parsed.isUsageHelpRequested() || (parsed.hasSubcommand() && isHelped(parsed.subcommand())));
    }

    /// Returns the checkout that the launcher runs, with `models` and `examples`.
    ///
    /// @throws InvalidRequestException when the command was not started by the launcher
    static Path checkout() {
        String root = System.getProperty(ROOT);
        if (root == null) {
            throw new InvalidRequestException(ROOT, "is not set; run this by ./stencil of a checkout");
        }
        return Path.of(root);
    }

    /// Returns name and version for the help.
    static String version() {
        return "stencil " + StencilVersion.number();
    }

    /// The version, for the help.
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {version()};
        }
    }

    /// Builds the command line with the options of all commands.
    static CommandLine commandLine() {
        return commandLine(_ -> true);
    }

    /// Builds the command line with the options of some commands, as reading those of all takes a good part of a
    /// start. The others have a name and a description.
    private static CommandLine commandLine(Predicate<String> needed) {
        CommandLine root = new CommandLine(new StencilCommand());
        for (Class<?> type : COMMANDS) {
            Command command = type.getAnnotation(Command.class);
            root.addSubcommand(command.name(), needed.test(command.name()) ? new CommandLine(type) : outline(command));
        }
        Objects.requireNonNull(root.getSubcommands().get(LaunchCommand.NAME))
                .setStopAtPositional(true); // the rest is another command's
        return root.registerConverter(Path.class, StencilCommand::path)
                .setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8))
                .setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8))
                .setExpandAtFiles(false)
                .setHelpFactory(WordWrappedHelp::new);
    }

    private static CommandSpec outline(Command command) {
        CommandSpec outline = CommandSpec.create();
        outline.usageMessage().description(command.description());
        return outline;
    }

    static int run(CommandLine root, String... typed) {
        boolean debug = List.of(typed).contains(DEBUG);
        ErrorPrinter printer = new ErrorPrinter(debug, Map.of());
        try {
            LocalPath.requireReadable(List.of(typed));
            Libtorch.checkEnvironment();
            Arguments arguments = Arguments.of(root.getCommandSpec(), typed);
            printer = new ErrorPrinter(debug, arguments.configured());
            return root.setParameterExceptionHandler(printer)
                    .setExecutionExceptionHandler(printer)
                    .setExecutionStrategy(StencilCommand::execute)
                    .execute(arguments.words().toArray(String[]::new));
        } catch (ParameterException fault) {
            return printer.handleParseException(fault, typed);
        } catch (StencilException | Error fault) {
            // picocli passes on what the virtual machine throws: no memory, no library, no stack.
            return printer.failure(fault, root);
        }
    }

    /// Help is the program's own text, and may be coloured; what a command prints may come from untrusted files.
    private static int execute(ParseResult parsed) {
        Integer helped = CommandLine.executeHelpRequest(parsed);
        if (helped != null) {
            return helped;
        }
        ErrorPrinter.requireCommand(parsed);
        CommandLine root = parsed.commandSpec().root().commandLine();
        root.setOut(new TerminalWriter(root.getOut())).setErr(new TerminalWriter(root.getErr()));
        return new RunLast().execute(parsed);
    }

    private static Path path(String text) {
        try {
            return LocalPath.of(Location.ofField("path"), text);
        } catch (InvalidRequestException fault) {
            throw new TypeConversionException(fault.what());
        }
    }
}
