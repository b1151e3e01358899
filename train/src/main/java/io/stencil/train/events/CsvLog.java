package io.stencil.train.events;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.train.checkpoint.RunFolder;
import io.stencil.train.events.TrainingListener.StepReport;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

/// Writes `training_log.csv` ([RunFolder#LOG]): a line a step, on the disk when the step is over.
///
/// Its columns are those of [TrainingListener.StepReport]: `step,epoch,loss,learning_rate,seconds`.
public final class CsvLog implements TrainingListener, AutoCloseable {

    private final Path file;
    private final AppendedFile log;

    private static final String HEADER = "step,epoch,loss,learning_rate,seconds";

    /// Starts a log, or goes on with the one in this folder.
    ///
    /// @param doneSteps of the run so far; later lines are cut off, and a line that is not whole
    /// @throws InvalidFileException when it cannot be written
    public CsvLog(Path folder, long doneSteps) {
        file = folder.resolve(RunFolder.LOG);
        try {
            AtomicFile.writeText(file, HEADER + "\n" + kept(file, doneSteps));
            log = new AppendedFile(file, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    private static String kept(Path file, long doneSteps) throws IOException {
        StringBuilder kept = new StringBuilder();
        if (doneSteps == 0 || Files.notExists(file)) {
            return "";
        }
        String text = Files.readString(file);
        text.substring(0, text.lastIndexOf('\n') + 1)
                .lines()
                .filter(line -> RunFolder.loggedStep(line) >= 1 && RunFolder.loggedStep(line) <= doneSteps)
                .forEach(line -> kept.append(line).append('\n'));
        return kept.toString();
    }

    @Override
    public void onStep(StepReport report) {
        String line = String.format(
                Locale.ROOT,
                "%s,%s,%s,%s,%.3f\n",
                report.step(),
                report.epoch(),
                report.loss(),
                report.learningRate(),
                report.seconds());
        log.append(line.getBytes(StandardCharsets.UTF_8));
    }

    private InvalidFileException unwritable(IOException e) {
        return new InvalidFileException(Location.of(file), "cannot be written: " + e, e);
    }

    @Override
    public void close() {
        log.close();
    }
}
