package io.stencil.cli;

import io.stencil.cli.terminal.StopOnSignal;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `stencil launch --nproc_per_node N train ...`: one training in several processes of this machine.
@Command(
        name = LaunchCommand.NAME,
        description = "Run one training in several processes of this machine; what follows is the command for each.")
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class LaunchCommand implements Callable<Integer> {

    static final String NAME = "launch";

    private static final String TRAIN = "train";
    private static final int LAST_PORT = 65_535;

    @Option(names = "--nproc_per_node", paramLabel = "N", required = true, description = "Number of processes.")
    private int processes;

    @Option(
            names = "--master_port",
            paramLabel = "N",
            description = "Port of this machine at which they meet. Default: a free one.")
    private @Nullable Integer port;

    @Parameters(paramLabel = "train ...", arity = "1..*", description = "The command and its options.")
    private List<String> words;

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() {
        if (processes < 1) {
            throw new InvalidRequestException("nproc_per_node", "must be at least 1, found " + processes);
        }
        if (port != null && (port < 1 || port > LAST_PORT)) {
            throw new InvalidRequestException("master_port", "must be 1 to %s, found %s".formatted(LAST_PORT, port));
        }
        if (!words.getFirst().equals(TRAIN)) {
            throw new InvalidRequestException(
                    NAME, "runs 'train' in several processes, found '%s'".formatted(words.getFirst()));
        }
        PrintWriter out = command.commandLine().getOut();
        PrintWriter err = command.commandLine().getErr();
        Launcher launcher = new Launcher(new Launcher.Ranks(processes, port, words, System.getenv()), out, err);
        try (StopOnSignal _ = StopOnSignal.passingOn(launcher::requestStop)) {
            return launcher.run();
        } catch (IOException e) {
            throw new InvalidFileException(
                    Location.of(Path.of(System.getProperty("java.home"))), "Java cannot be started: " + e, e);
        }
    }
}
