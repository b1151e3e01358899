package io.stencil.train.events;

import io.stencil.template.Warnings;
import io.stencil.train.checkpoint.RunFolder;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.options.TrainingArguments;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Opens the logs that a run keeps in its folder, and passes its events to them and to a listener.
public final class RunLogs implements AutoCloseable {

    private final EventLog events;
    private final @Nullable CsvLog csv;
    private final @Nullable TensorBoardLog tensorBoard;
    private final TrainingListener listener;

    /// Starts logs, or goes on with those in the folder.
    ///
    /// @param seed of the run
    /// @param doneSteps of the run so far
    /// @param listener whose events follow those of the logs
    /// @throws io.stencil.error.InvalidFileException when one cannot be written
    public RunLogs(TrainOptions options, long seed, long doneSteps, TrainingListener listener) {
        RunFolder folder = new RunFolder(options.output().folder());
        Warnings warnings = listener::onWarning;
        ProgressText progress = new ProgressText();
        RunPage page = new RunPage(folder, TrainingArguments.json(options, seed), progress, System::nanoTime, warnings);
        events = new EventLog(folder, doneSteps, page);
        @Nullable CsvLog opened = null;
        try {
            page.begin();
            opened = options.output().csvLog() ? new CsvLog(folder.folder(), doneSteps) : null;
            tensorBoard = options.output().tensorboardLog() ? new TensorBoardLog(folder, doneSteps, warnings) : null;
        } catch (RuntimeException | Error e) {
            try (EventLog _ = events;
                    @Nullable CsvLog _ = opened) {
                throw e;
            }
        }
        csv = opened;
        this.listener = TrainingListener.all(Stream.of(progress, events, csv, tensorBoard, listener)
                .filter(Objects::nonNull)
                .toList());
    }

    /// Passes events to the logs, and on.
    public TrainingListener listener() {
        return listener;
    }

    /// Closes all logs, also after one that fails.
    @Override
    public void close() {
        try (EventLog _ = events;
                @Nullable CsvLog _ = csv;
                @Nullable TensorBoardLog _ = tensorBoard) {
            // closed in reverse
        }
    }
}
