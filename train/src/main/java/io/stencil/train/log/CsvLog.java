package io.stencil.train.log;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/// Writes `training_log.csv`: a line a step, on the disk when the step is over.
///
/// Its columns are those of [StepReport]: `step,epoch,loss,learning_rate,seconds`.
public final class CsvLog implements TrainingListener, AutoCloseable {

    /// Name of the file in the output folder.
    public static final String FILE_NAME = "training_log.csv";

    private final Path file;
    private final Writer writer;

    /// Starts a new log; one of an earlier run in this folder is replaced.
    ///
    /// @throws InvalidFileException when it cannot be written
    public CsvLog(Path folder) {
        file = folder.resolve(FILE_NAME);
        try {
            writer = Files.newBufferedWriter(file);
        } catch (IOException e) {
            throw unwritable(e);
        }
        write("step,epoch,loss,learning_rate,seconds");
    }

    @Override
    public void onStep(StepReport report) {
        write(String.format(
                Locale.ROOT,
                "%d,%d,%s,%s,%.3f",
                report.step(),
                report.epoch(),
                report.loss(),
                report.learningRate(),
                report.seconds()));
    }

    private void write(String line) {
        try {
            writer.write(line);
            writer.write('\n');
            writer.flush();
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    private InvalidFileException unwritable(IOException e) {
        return new InvalidFileException(Location.of(file), "cannot be written: " + e, e);
    }

    @Override
    public void close() {
        try {
            writer.close();
        } catch (IOException e) {
            throw unwritable(e);
        }
    }
}
