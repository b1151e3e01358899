package io.stencil.cli;

import io.stencil.cli.terminal.ProgressLine;
import io.stencil.cli.terminal.StopOnSignal;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.lab.world.DatasetWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `stencil dataset`: paints images of the small world, with captions and what Templates learn from.
@Command(
        name = "dataset",
        description =
                "Paint a dataset of the small world: captioned shapes, or pairs for a Template; or check a dataset.",
        subcommands = DatasetCheckCommand.class)
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class DatasetCommand implements Callable<Integer> {

    @Option(
            names = "--output_path",
            paramLabel = "DIR",
            description = "Gets images and metadata.jsonl; must be absent or empty. Needed.")
    private @Nullable Path output;

    @Option(names = "--count", paramLabel = "N", description = "Rows. Needed.")
    private @Nullable Integer count;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "Another seed gives other images. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(
            names = "--size",
            paramLabel = "PIXELS",
            description = "Side of the images, a multiple of 16. Default: ${DEFAULT-VALUE}.")
    private int size = 64;

    @Option(
            names = "--kind",
            paramLabel = "KIND",
            completionCandidates = Kinds.class,
            description = "What rows hold: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private String kind = "plain";

    @Spec
    private CommandSpec command;

    /// For the help.
    static final class Kinds implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return DatasetWriter.Kind.labels().iterator();
        }
    }

    private volatile boolean stopped;

    @Override
    public Integer call() {
        if (output == null || count == null) { // which the check does not need
            throw new ParameterException(
                    command.commandLine(),
                    "Missing required option: '%s'".formatted(output == null ? "--output_path=DIR" : "--count=N"));
        }
        return paint(output, count);
    }

    private int paint(Path output, int count) {
        DatasetWriter.DatasetPlan plan =
                new DatasetWriter.DatasetPlan(DatasetWriter.Kind.parse(kind), count, seed, size);
        OutputCheck.requireFolder("output_path", output);
        PrintWriter err = command.commandLine().getErr();
        try (StopOnSignal _ = new StopOnSignal(() -> stopped = true, () -> "nothing is written", err);
                ProgressLine line = ProgressLine.on(err)) {
            DatasetWriter.write(plan, output, written -> progress(line, "row %s/%s".formatted(written, count)));
            line.end();
            command.commandLine().getOut().println("wrote %s rows to %s".formatted(count, output));
            return 0;
        } catch (CancellationException e) {
            return StopOnSignal.INTERRUPTED;
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(output), "cannot be written: " + e, e);
        }
    }

    private void progress(ProgressLine line, String text) {
        if (stopped) {
            throw new CancellationException("stop requested");
        }
        line.show(text);
    }
}
