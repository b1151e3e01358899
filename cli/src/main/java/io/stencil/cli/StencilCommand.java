package io.stencil.cli;

import io.stencil.cli.arguments.Arguments;
import io.stencil.error.StencilException;
import io.stencil.tensor.Libtorch;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;

/// The root of the command line.
///
/// A command is a `Callable<Integer>` with picocli's annotations, named in `subcommands` below. It inherits
/// `--help`, `--version`, `--config` and `--debug`, both spellings of every option name, and the printing of
/// errors: it throws a [StencilException] and returns 0.
@Command(
        name = "stencil",
        description = "Generate images with FLUX.2 and train Template models that steer it.",
        subcommands = {
            GenerateCommand.class,
            TrainCommand.class,
            LaunchCommand.class,
            InitCommand.class,
            InspectCommand.class,
            DatasetCommand.class,
            EvaluateCommand.class,
            DemoCommand.class,
            BenchCommand.class,
            NewTemplateCommand.class,
            PackageCommand.class,
            FetchCommand.class,
            UploadCommand.class,
            VerifyCommand.class
        },
        synopsisSubcommandLabel = "COMMAND",
        scope = ScopeType.INHERIT,
        mixinStandardHelpOptions = true,
        versionProvider = StencilVersion.class,
        sortOptions = false,
        usageHelpWidth = 100)
public final class StencilCommand {

    private static final String CONFIG = "--config";
    private static final String DEBUG = "--debug";

    @Option(
            names = CONFIG,
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
        CommandLine root = commandLine();
        int code = ExitCode.SOFTWARE;
        try {
            code = run(root, args);
        } catch (RuntimeException | Error fault) {
            fault.printStackTrace(root.getErr());
        }
        System.exit(code);
    }

    static CommandLine commandLine() {
        CommandLine root = new CommandLine(new StencilCommand());
        Objects.requireNonNull(root.getSubcommands().get(LaunchCommand.NAME))
                .setStopAtPositional(true); // the rest is another command's
        return root.setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8))
                .setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8))
                .setExpandAtFiles(false);
    }

    static int run(CommandLine root, String... typed) {
        boolean debug = List.of(typed).contains(DEBUG);
        ErrorPrinter printer = new ErrorPrinter(debug, null);
        try {
            Libtorch.checkEnvironment();
            Arguments arguments = Arguments.of(root.getCommandSpec(), CONFIG, typed);
            printer = new ErrorPrinter(debug, arguments.origin());
            return root.setParameterExceptionHandler(printer)
                    .setExecutionExceptionHandler(printer)
                    .execute(arguments.words().toArray(String[]::new));
        } catch (ParameterException fault) {
            return printer.handleParseException(fault, typed);
        } catch (StencilException | Error fault) {
            // picocli passes on what the virtual machine throws: no memory, no library, no stack.
            return printer.failure(fault, root);
        }
    }
}
