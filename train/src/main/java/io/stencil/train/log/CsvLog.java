package io.stencil.train.log;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.stream.Stream;

/// Writes `training_log.csv`: a line a step, on the disk when the step is over.
///
/// Its columns are those of [StepReport]: `step,epoch,loss,learning_rate,seconds`.
public final class CsvLog implements TrainingListener, AutoCloseable {

    /// Name of the file in the output folder.
    public static final String FILE_NAME = "training_log.csv";

    private final Path file;
    private final Writer writer;

    private static final String HEADER = "step,epoch,loss,learning_rate,seconds";

    /// Starts a log, or goes on with the one in this folder.
    ///
    /// @param doneSteps of the run so far; later lines are cut off, and a line that is not whole
    /// @throws InvalidFileException when it cannot be written
    public CsvLog(Path folder, long doneSteps) {
        file = folder.resolve(FILE_NAME);
        try {
            AtomicFile.writeText(file, HEADER + "\n" + kept(file, doneSteps));
            writer = Files.newBufferedWriter(file, StandardOpenOption.APPEND);
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
                .filter(line -> step(line) >= 1 && step(line) <= doneSteps)
                .forEach(line -> kept.append(line).append('\n'));
        return kept.toString();
    }

    /// @return 0 for a line that tells no step
    private static long step(String line) {
        String number = line.replaceFirst(",.*", "");
        return number.matches("\\d{1,18}") ? Long.parseLong(number) : 0;
    }

    /// Whether the log in a folder tells of any step.
    ///
    /// @throws InvalidFileException when it cannot be read
    public static boolean hasSteps(Path folder) {
        Path file = folder.resolve(FILE_NAME);
        try (Stream<String> lines = Files.lines(file)) {
            return lines.anyMatch(line -> step(line) > 0);
        } catch (IOException | UncheckedIOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be read: " + e, e);
        }
    }

    @Override
    public void onStep(StepReport report) {
        write(String.format(
                Locale.ROOT,
                "%s,%s,%s,%s,%.3f",
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
